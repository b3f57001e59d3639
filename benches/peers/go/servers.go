package main

import (
	"fmt"
	"net"
	"net/http"
)

var servers = map[string]func(port int) error{"echo": echo, "http": greet}

// listen prints `ready`, with port 0 `ready` and the port that it got.
func listen(port int) (net.Listener, error) {
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	if port == 0 {
		fmt.Println("ready", listener.Addr().(*net.TCPAddr).Port)
	} else {
		fmt.Println("ready")
	}
	return listener, nil
}

func echo(port int) error {
	listener, err := listen(port)
	if err != nil {
		return err
	}
	for {
		stream, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer stream.Close()
			buffer := make([]byte, 1024)
			for {
				length, err := stream.Read(buffer)
				if err != nil {
					return
				}
				if _, err := stream.Write(buffer[:length]); err != nil {
					return
				}
			}
		}()
	}
}

func greet(port int) error {
	listener, err := listen(port)
	if err != nil {
		return err
	}
	body := []byte("Hello, World!")
	return http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "text/plain")
		answer.Write(body)
	}))
}
