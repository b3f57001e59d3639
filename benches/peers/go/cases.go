package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// outcome is what one run showed; memory where the case is about memory.
type outcome struct {
	took                 time.Duration
	resident, pageTables int64
}

// kase is a question; its operations come in groups of so many.
type kase struct {
	group   int
	perform func(operations int) outcome
}

const (
	far        = 30 * time.Second
	others     = 100_000
	spread     = 100 * time.Millisecond
	contenders = 8
	room       = 128
)

var cases = map[string]kase{
	"yield2":           {2, timed(func(n int) time.Duration { return roundRobin(2, n) })},
	"yield1000":        {1_000, timed(func(n int) time.Duration { return roundRobin(1_000, n) })},
	"spawn_join":       {1, timed(func(n int) time.Duration { return batches(1, n) })},
	"spawn_10k":        {10_000, timed(func(n int) time.Duration { return batches(10_000, n) })},
	"mem_parked":       {1, parked},
	"queue_pingpong":   {2, timed(pingPong)},
	"queue_stream":     {1, timed(stream)},
	"lock_uncontended": {1, timed(uncontended)},
	"lock_contended8":  {contenders, timed(contended)},
	"timer_cancel":     {1, timed(amongMany)},
	"timer_fire":       {1, timed(fire)},
}

// growing are the cases that take the number of goroutines first.
var growing = map[string]func(goroutines, operations int) time.Duration{
	"growth_spawn": batches,
	"growth_yield": yields,
	"growth_sleep": inWaves,
}

func timed(run func(int) time.Duration) func(int) outcome {
	return func(operations int) outcome { return outcome{took: run(operations)} }
}

// together runs the members from the moment the last one begins to the moment the last one ends.
func together(members int, work func()) time.Duration {
	var began, ended time.Time
	notBegun, notEnded := members, members
	var all sync.WaitGroup
	all.Add(members)
	for range make([]struct{}, members) {
		go func() {
			// One processor, and nothing in between that lets another goroutine run: plain counters do.
			if notBegun--; notBegun == 0 {
				began = time.Now()
			}
			work()
			if notEnded--; notEnded == 0 {
				ended = time.Now()
			}
			all.Done()
		}()
	}
	all.Wait()
	return ended.Sub(began)
}

func roundRobin(members, yields int) time.Duration {
	return together(members, func() {
		for i := 0; i < yields/members; i++ {
			runtime.Gosched()
		}
	})
}

// yields lets each goroutine yield ten times at least, and gives the time in proportion: Go begins new goroutines in no
// strict order, so that many have yielded once or twice before the last begins.
func yields(goroutines, operations int) time.Duration {
	performed := operations
	if performed < 10*goroutines {
		performed = 10 * goroutines
	}
	return roundRobin(goroutines, performed) * time.Duration(operations) / time.Duration(performed)
}

func batches(batch, spawns int) time.Duration {
	start := time.Now()
	for i := 0; i < spawns/batch; i++ {
		var all sync.WaitGroup
		all.Add(batch)
		for j := 0; j < batch; j++ {
			go all.Done()
		}
		all.Wait()
	}
	return time.Since(start)
}

func parked(goroutines int) outcome {
	resident, pageTables := footprint()
	start := time.Now()
	release := make(chan struct{})
	var all sync.WaitGroup
	all.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		go func() {
			<-release
			all.Done()
		}()
	}
	// New goroutines stand in the order in which they began, so all have parked when this one comes back.
	runtime.Gosched()
	took := time.Since(start)
	residentNow, pageTablesNow := footprint()
	close(release)
	all.Wait()
	return outcome{took, residentNow - resident, pageTablesNow - pageTables}
}

func pingPong(messages int) time.Duration {
	there, back := make(chan int, 1), make(chan int, 1)
	go func() {
		for message := range there {
			back <- message
		}
	}()
	start := time.Now()
	for i := 0; i < messages/2; i++ {
		there <- i
		<-back
	}
	took := time.Since(start)
	close(there)
	return took
}

func stream(messages int) time.Duration {
	queue := make(chan int, room)
	start := time.Now()
	go func() {
		for i := 0; i < messages; i++ {
			queue <- i
		}
		close(queue)
	}()
	count := 0
	for range queue {
		count++
	}
	if count != messages {
		panic("a message was lost")
	}
	return time.Since(start)
}

func uncontended(locks int) time.Duration {
	var lock sync.Mutex
	var n int
	start := time.Now()
	for i := 0; i < locks; i++ {
		lock.Lock()
		n++
		lock.Unlock()
	}
	return time.Since(start)
}

func contended(locks int) time.Duration {
	var lock sync.Mutex
	var n int
	return together(contenders, func() {
		for i := 0; i < locks/contenders; i++ {
			lock.Lock()
			runtime.Gosched()
			n++
			lock.Unlock()
		}
	})
}

func amongMany(timers int) time.Duration {
	armed := make([]*time.Timer, others)
	for i := range armed {
		armed[i] = time.AfterFunc(far, func() {})
	}
	start := time.Now()
	for i := 0; i < timers; i++ {
		time.AfterFunc(far, func() {}).Stop()
	}
	took := time.Since(start)
	for _, timer := range armed {
		timer.Stop()
	}
	return took
}

// fire gives CPU time: goroutines that sleep once each, spread over 0 to 100 ms, their start included.
func fire(sleepers int) time.Duration {
	start := cpuTime()
	var all sync.WaitGroup
	all.Add(sleepers)
	for i := 0; i < sleepers; i++ {
		delay := scattered(i, spread)
		go func() {
			time.Sleep(delay)
			all.Done()
		}()
	}
	all.Wait()
	return cpuTime() - start
}

// inWaves gives CPU time: goroutines that sleep again and again, from the first to wake in one wave to the first to wake
// in a later one. In between each falls asleep and wakes once a wave, if all were asleep at both ends.
func inWaves(goroutines, sleeps int) time.Duration {
	waves, woken := sleeps/goroutines, 0
	var began, ended time.Duration
	var all sync.WaitGroup
	all.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		untilAllSleep := time.Millisecond + 3*time.Microsecond*time.Duration(goroutines)
		delay := untilAllSleep + scattered(i, 100*time.Nanosecond*time.Duration(goroutines))
		go func() {
			for wave := 0; wave <= waves; wave++ {
				time.Sleep(delay)
				switch woken {
				case 0:
					began = cpuTime()
				case goroutines * waves:
					ended = cpuTime()
				}
				woken++
			}
			all.Done()
		}()
	}
	all.Wait()
	return ended - began
}

// scattered gives a delay below limit for each number: the same ones in every run, in no order (Fibonacci hashing).
func scattered(number int, limit time.Duration) time.Duration {
	share := (uint64(number+1) * 0x9e37_79b9_7f4a_7c15) >> 32
	return time.Duration(uint64(limit) >> 8 * share >> 24)
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// footprint reads this process's bytes in memory and bytes of page tables: proc_pid_status(5).
func footprint() (resident, pageTables int64) {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		var kibibytes int64
		switch name {
		case "VmRSS", "VmPTE":
			if _, err := fmt.Sscanf(strings.TrimSpace(value), "%d kB", &kibibytes); err != nil {
				panic(err)
			}
		}
		switch name {
		case "VmRSS":
			resident = kibibytes * 1024
		case "VmPTE":
			pageTables = kibibytes * 1024
		}
	}
	return resident, pageTables
}
