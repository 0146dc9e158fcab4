package ingest

import (
	"path"
	"strings"

	"github.com/initkoa/orgo/records"
)

// mediaTypes is fixed, for the media types of the operating system differ from
// machine to machine and would change the snapshot.
var mediaTypes = map[string]string{
	".csv":      "text/csv",
	".tsv":      "text/tab-separated-values",
	".tab":      "text/tab-separated-values",
	".json":     records.MediaJSON,
	".jsonl":    records.MediaJSONLines,
	".ndjson":   records.MediaJSONLines,
	".geojson":  "application/geo+json",
	".jsonld":   "application/ld+json",
	".md":       "text/markdown",
	".markdown": "text/markdown",
	".txt":      "text/plain",
	".yaml":     "application/yaml",
	".yml":      "application/yaml",
	".toml":     "application/toml",
	".xml":      "application/xml",
	".html":     "text/html",
	".htm":      "text/html",
	".pdf":      "application/pdf",
	".png":      "image/png",
	".jpg":      "image/jpeg",
	".jpeg":     "image/jpeg",
	".gif":      "image/gif",
	".svg":      "image/svg+xml",
	".webp":     "image/webp",
	".gz":       "application/gzip",
	".zip":      "application/zip",
	".parquet":  "application/vnd.apache.parquet",
	".xlsx":     "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".docx":     "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}

// MediaType returns the media type of a file by its extension, in any case, and
// "application/octet-stream" for one that is not known.
func MediaType(name string) string {
	if known, found := mediaTypes[strings.ToLower(path.Ext(name))]; found {
		return known
	}
	return "application/octet-stream"
}
