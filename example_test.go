package pfr_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/parallel-fusion/pfr"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

var addresses = pfr.Config{Kafka: []string{"127.0.0.1:9092"}, NATS: "nats://127.0.0.1:4222"}

// A frontend asks one query and shows the sections of its page.
func ExampleConnect() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := pfr.Connect(ctx, addresses)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	page, err := c.Search(ctx, producers.Request{Text: "artists similar to Khruangbin", Market: "US"})
	if err != nil {
		log.Print(err)
		return
	}
	for _, s := range page.Sections {
		fmt.Println(s.Title, s.Status)
		for _, item := range s.Items {
			fmt.Println("  ", item.Title, item.Subtitle)
		}
	}
}

// An analytics program counts the pages of each route, those that are kept and those that
// come, for an hour.
func ExampleReadPages() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	routes := map[string]int{}
	err := pfr.ReadPages(ctx, addresses, func(_ context.Context, page schemas.SERP) error {
		routes[page.Route.Name]++
		return nil
	})
	fmt.Println(routes, err)
}
