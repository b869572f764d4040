// Prints each alert: those that Redis keeps, then those that come.
// Usage: go run follow.go redis://127.0.0.1:6379 [ENTRY]
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Event is what this program wants of a message; there is more in it, and more may come.
type Event struct {
	Data struct {
		Stream string `json:"stream"`
		Kind   string `json:"kind"`
		Label  string `json:"label"`
		State  string `json:"state"`
		Reason string `json:"reason"`
	} `json:"data"`
}

// follow prints what comes after the entry `last`, and returns the last one printed when the server is gone.
func follow(url, last string) (string, error) {
	server, err := redis.DialURL(url, redis.DialConnectTimeout(5*time.Second))
	if err != nil {
		return last, err
	}
	defer server.Close()
	for {
		streams, err := redis.Values(redis.DoWithTimeout(server, 15*time.Second,
			"XREAD", "COUNT", 100, "BLOCK", 5000, "STREAMS", "framewarden:alerts", last))
		if err == redis.ErrNil {
			continue // nothing new
		}
		if err != nil {
			return last, err
		}
		entries, err := redis.Values(streams[0].([]interface{})[1], nil)
		if err != nil {
			return last, err
		}
		for _, each := range entries {
			entry := each.([]interface{})
			fields, err := redis.StringMap(entry[1], nil)
			if err != nil {
				return last, err
			}
			last = string(entry[0].([]byte)) // keep it somewhere, and start with it the next time
			var event Event
			if err := json.Unmarshal([]byte(fields["body"]), &event); err != nil {
				log.Print(err)
				continue
			}
			data := event.Data
			fmt.Printf("%s %s/%s %s: %s\n", data.Stream, data.Kind, data.Label, data.State, data.Reason)
		}
	}
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("name the server, as redis://127.0.0.1:6379")
	}
	last := "0"
	if len(os.Args) > 2 {
		last = os.Args[2]
	}
	for {
		var err error
		last, err = follow(os.Args[1], last)
		log.Print(err)
		time.Sleep(500 * time.Millisecond)
	}
}
