// Command patches fills in what Kubernetes' own libraries make of the cases of go-patches.fixture.json: each has a type ("strategic",
// "json", "merge"), an original and a patch, and gets a "result" or an "error". It is run by hand when cases are added.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"
)

const fixture = "../../machinery/patch/go-patches.fixture.json"

type patchCase struct {
	Type       string          `json:"type"`
	GVK        []string        `json:"gvk,omitempty"`
	Definition string          `json:"definition,omitempty"`
	Original   json.RawMessage `json:"original"`
	Patch      json.RawMessage `json:"patch"`
	Result     json.RawMessage `json:"result,omitempty"`
	Error      string          `json:"error,omitempty"`
}

func apply(c patchCase) ([]byte, error) {
	switch c.Type {
	case "json":
		patch, err := jsonpatch.DecodePatch(c.Patch)
		if err != nil {
			return nil, err
		}
		return patch.Apply(c.Original)
	case "merge":
		return jsonpatch.MergePatch(c.Original, c.Patch)
	default:
		return applyStrategic(c)
	}
}

func applyStrategic(c patchCase) ([]byte, error) {
	object, err := scheme.Scheme.New(schema.GroupVersionKind{Group: c.GVK[0], Version: c.GVK[1], Kind: c.GVK[2]})
	if err != nil {
		return nil, err
	}
	original, patch := map[string]any{}, map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(c.Original, &original); err != nil {
		return nil, err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(c.Patch, &patch); err != nil {
		return nil, err
	}
	result, err := strategicpatch.StrategicMergeMapPatch(original, patch, object)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any(result))
}

func main() {
	text, err := os.ReadFile(fixture)
	if err != nil {
		panic(err)
	}
	var cases []patchCase
	if err := json.Unmarshal(text, &cases); err != nil {
		panic(err)
	}
	var out bytes.Buffer
	for index, c := range cases {
		c.Result, c.Error = nil, ""
		result, err := apply(c)
		if err != nil {
			c.Error = err.Error()
		}
		c.Result = result
		line, err := json.Marshal(c)
		if err != nil {
			panic(err)
		}
		separator := ",\n"
		if index == 0 {
			separator = "[\n"
		}
		fmt.Fprintf(&out, "%s  %s", separator, line)
	}
	out.WriteString("\n]\n")
	if err := os.WriteFile(fixture, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}
