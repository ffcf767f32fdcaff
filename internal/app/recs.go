package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/parallel-fusion/pfr/internal/versions"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/listening"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
)

// RecsTraining says what recommenders are trained on, and where they go.
type RecsTraining struct {
	Catalog      string // folder of a built catalogue, or "" for items of any kind
	Interactions string // CSV of user,item,weight[,timestamp]; "" for those of the catalogue
	Out          string // folder of the models; "" for that of the catalogue
	Seed         uint64
}

// TrainedRecs is what came of a training.
type TrainedRecs struct {
	Version string
	Spaces  map[string]*recommend.Model
	Unknown int // interactions with items that the catalogue does not have
}

// itemSpace is the model of items that no catalogue explains.
const itemSpace = "item"

// Train trains the recommenders and makes them current in the folder of models. report is
// told how far it is.
func (t RecsTraining) Train(ctx context.Context, report listening.Report) (TrainedRecs, error) {
	cfg := recommend.DefaultConfig()
	cfg.Seed = t.Seed
	out := TrainedRecs{}
	bundle, err := t.train(ctx, cfg, &out, report)
	if err != nil {
		return out, err
	}
	out.Spaces = bundle
	out.Version, err = t.publish(bundle)
	return out, err
}

func (t RecsTraining) train(ctx context.Context, cfg recommend.Config, out *TrainedRecs, report listening.Report) (recommend.Bundle, error) {
	if t.Catalog == "" {
		x, err := readPlays(t.Interactions)
		if err != nil {
			return nil, err
		}
		m, err := recommend.Train(ctx, cfg, x, func(stage string, done, of int) { report(itemSpace, stage, done, of) })
		return recommend.Bundle{itemSpace: m}, err
	}
	current, err := ToolsConfig{Catalog: t.Catalog}.catalogFolder().Current()
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	c, err := catalog.Open(current.File(catalogFile))
	if err != nil {
		return nil, err
	}
	file := t.Interactions
	if file == "" {
		file = current.File(playsFile)
		if _, err := os.Stat(file); err != nil {
			return nil, errors.New("the catalogue was imported without interactions: say --interactions FILE, or import listens")
		}
	}
	x, err := readPlays(file)
	if err != nil {
		return nil, err
	}
	plays := listening.NewPlays(c)
	if err := plays.AddAll(x); err != nil {
		return nil, err
	}
	out.Unknown = plays.Unknown
	return plays.Train(ctx, cfg, report)
}

// SparkModel is an ALSModel as Spark's save method writes it. Users and Items are CSV files
// that map its ids to keys; "" makes the ids themselves the keys.
type SparkModel struct {
	Dir, Users, Items string
	Space             string // what its items are: artist, track or show
}

// ImportSpark makes factors that Spark trained the current models.
func (t RecsTraining) ImportSpark(from SparkModel) (version string, err error) {
	var maps [2]io.Reader
	for i, name := range []string{from.Users, from.Items} {
		if name == "" {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("import: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		maps[i] = f
	}
	m, err := recommend.ImportSpark(from.Dir, maps[0], maps[1])
	if err != nil {
		return "", err
	}
	bundle, err := t.current()
	if err != nil {
		return "", err
	}
	bundle[from.Space] = m // the other spaces stay as they are
	return t.publish(bundle)
}

// current returns the models that are current, none if there are none.
func (t RecsTraining) current() (recommend.Bundle, error) {
	v, err := ToolsConfig{Catalog: t.Catalog, Models: t.Out}.modelsFolder().Current()
	if errors.Is(err, versions.ErrNone) {
		return recommend.Bundle{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("models: %w", err)
	}
	return loadBundle(v)
}

func (t RecsTraining) publish(bundle recommend.Bundle) (version string, err error) {
	v, err := publishVersion(ToolsConfig{Catalog: t.Catalog, Models: t.Out}.modelsFolder(), func(dir string) (string, error) {
		return bundle.Version(), writeFile(filepath.Join(dir, recsFile), bundle.Save)
	})
	return v.Name, err
}
