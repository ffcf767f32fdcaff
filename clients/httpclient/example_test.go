package httpclient_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

// A frontend follows a search and draws each section as it lands.
func ExampleClient_Stream() {
	c, err := httpclient.New(httpclient.DefaultConfig(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for event, err := range c.Stream(ctx, httpclient.Request{Query: "artists similar to Khruangbin"}) {
		switch {
		case err != nil:
			fmt.Println(err)
		case event.Route != nil:
			fmt.Println("room for", len(event.Route.Slots.Slots), "sections")
		case event.Section != nil:
			fmt.Println(event.Section.Title, event.Section.Status)
		case event.Page != nil:
			fmt.Println(event.Page.Status)
		}
	}
}

// A page, and what went wrong if there is none.
func ExampleClient_Search() {
	c, err := httpclient.New(httpclient.DefaultConfig(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	page, err := c.Search(ctx, httpclient.Request{Query: "latest albums by lady gaga", Market: "US"})
	if p, ok := errors.AsType[*httpclient.Problem](err); ok {
		fmt.Println(p.Status, p.Detail, p.RetryAfter)
		return
	}
	fmt.Println(page.Route.Name, err)
}

// Somebody listened to the first item of a page for 40 seconds.
func ExampleClient_Interact() {
	var page httpclient.Page // of a search
	c, err := httpclient.New(httpclient.DefaultConfig(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	section := page.Sections[0]
	verdicts, err := c.Interact(ctx, schemas.Interaction{
		ActionName: schemas.ActionStream, QueryID: page.CorrelationID, ClientID: "kiosk-7", MSPlayed: 40_000,
		Route: page.Route.Name, SectionID: section.ID, SectionPosition: 1,
		EventAttributes: schemas.EventAttributes{
			Object:   schemas.Object{ObjectID: section.Items[0].ID, ObjectIDType: string(section.Items[0].Type)},
			Position: schemas.Position{Ordinal: 1},
		},
	})
	fmt.Println(verdicts, err)
}
