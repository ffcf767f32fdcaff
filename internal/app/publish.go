package app

import (
	"fmt"
	"path/filepath"

	"github.com/parallel-fusion/pfr/internal/versions"
)

// keptVersions is how many versions are kept beside the current one, to go back to.
const keptVersions = 2

// publishVersion makes a version of a folder current and removes the oldest ones.
func publishVersion(folder versions.Folder, fill func(dir string) (string, error)) (versions.Version, error) {
	v, err := folder.Publish(fill)
	if err != nil {
		return v, err
	}
	return v, folder.Prune(keptVersions)
}

// UseCatalog makes a version that is there the current one, if it can be used.
func UseCatalog(dir, version string) error {
	v := versions.Version{Name: version, Dir: filepath.Join(dir, catalogDir, version)}
	c, err := openBuilt(v, ToolsConfig{Catalog: dir}.modelsFolder())
	if err == nil {
		_, err = c.search(c.finder)
	}
	if err != nil {
		return fmt.Errorf("version %s: %w", version, err)
	}
	return ToolsConfig{Catalog: dir}.catalogFolder().Use(version)
}

// UseModels makes a version of the recommenders the current one, if it can be used.
func UseModels(dir, version string) error {
	if _, err := loadBundle(versions.Version{Name: version, Dir: filepath.Join(dir, modelsDir, version)}); err != nil {
		return err
	}
	return ToolsConfig{Catalog: dir}.modelsFolder().Use(version)
}
