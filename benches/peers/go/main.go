// Go's side of the comparison, on one processor: `CASE N [GOROUTINES]` performs N operations once to warm up and BENCH_REPS times
// (5) measured and prints one line of JSON, as greenroom's `micro` does; `echo PORT` and `http PORT` are servers.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sort"
	"strconv"
	"time"
)

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) < 3 {
		fail(2, "CASE N [GOROUTINES], or echo PORT, or http PORT")
	}
	name, numbers := os.Args[1], []int{}
	for _, argument := range os.Args[2:] {
		number, err := strconv.Atoi(argument)
		if err != nil || number < 0 {
			fail(2, "%s is no number", argument)
		}
		numbers = append(numbers, number)
	}
	if serve := servers[name]; serve != nil {
		fail(1, "%v", serve(numbers[0]))
	}
	run, known := cases[name]
	if grown := growing[name]; grown != nil && len(numbers) == 2 && numbers[1] > 0 {
		goroutines := numbers[1]
		run, known = kase{goroutines, timed(func(n int) time.Duration { return grown(goroutines, n) })}, true
	}
	if !known {
		fmt.Printf("{\"case\":%q,\"peer\":\"go\",\"error\":\"unsupported\"}\n", name)
		os.Exit(3)
	}
	fmt.Println(answer(name, run, numbers[0]))
}

// answer measures one case and gives the line of JSON.
func answer(name string, run kase, operations int) string {
	operations = (operations + run.group - 1) / run.group * run.group
	repetitions := 5
	if stated, err := strconv.Atoi(os.Getenv("BENCH_REPS")); err == nil && stated > 0 {
		repetitions = stated
	}
	// The first run, which is not timed, is the one whose memory counts: later ones find the memory of earlier ones.
	first := run.perform(operations)
	least, figures := math.Inf(1), []float64{}
	for range make([]struct{}, repetitions) {
		each := float64(run.perform(operations).took.Nanoseconds()) / float64(operations)
		least, figures = math.Min(least, each), append(figures, each)
	}
	sort.Float64s(figures)
	median := (figures[(repetitions-1)/2] + figures[repetitions/2]) / 2
	line := fmt.Sprintf("{\"case\":%q,\"peer\":\"go\",\"n\":%d,\"ns_per_op\":%.3f,\"min_ns_per_op\":%.3f",
		name, operations, median, least)
	if first.resident > 0 {
		line += fmt.Sprintf(",\"bytes_per_task\":%.1f,\"page_table_bytes_per_task\":%.1f",
			float64(first.resident)/float64(operations), float64(first.pageTables)/float64(operations))
	}
	return line + fmt.Sprintf(",\"reps\":%d}", repetitions)
}

func fail(code int, format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(code)
}
