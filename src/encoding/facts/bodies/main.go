// Command bodies writes go-bodies.fixture.json: an object of every published kind, filled at random, as Kubernetes' own serializers
// write it in protobuf and in JSON. The decoder is held against it. It is run by hand when the published module changes.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/randfill"
)

const (
	facts   = "../field-facts.json"
	fixture = "../go-bodies.fixture.json"
	seed    = 36
)

var words = []string{"a", "pod", "größe", "x-1", "example.com/b"}

// Values whose text is canonical: the decoder brings others into that form, which other tests check.
func funcs() []any {
	return []any{
		func(s *string, c randfill.Continue) { *s = words[c.Intn(len(words))] },
		func(b *[]byte, c randfill.Continue) { *b = []byte{byte(c.Intn(256)), 0, 255} },
		func(i *int32, c randfill.Continue) { *i = int32(c.Intn(1000) + 1) },
		func(i *int64, c randfill.Continue) { *i = int64(c.Intn(1_000_000)-500_000) * 1000 },
		func(q *resource.Quantity, c randfill.Continue) {
			*q = resource.MustParse([]string{"100m", "1", "5Gi", "250M"}[c.Intn(4)])
		},
		func(i *intstr.IntOrString, c randfill.Continue) {
			*i = []intstr.IntOrString{intstr.FromInt32(8080), intstr.FromString("25%")}[c.Intn(2)]
		},
		func(t *metav1.Time, c randfill.Continue) { *t = metav1.Unix(int64(1_700_000_000+c.Intn(100_000)), 0) },
		func(t *metav1.MicroTime, c randfill.Continue) {
			*t = metav1.NewMicroTime(metav1.Unix(int64(1_700_000_000), int64(c.Intn(1_000_000))*1000).Time)
		},
		func(f *metav1.FieldsV1, c randfill.Continue) { f.SetRawBytes([]byte(`{"f:spec":{"f:x":{}}}`)) },
		func(r *runtime.RawExtension, c randfill.Continue) { r.Raw = []byte(`{"a":[1,"x",null]}`) },
		func(j *apiextensions.JSON, c randfill.Continue) { j.Raw = []byte(`{"d":1}`) },
		func(p *apiextensions.JSONSchemaPropsOrBool, c randfill.Continue) { p.Allows = true },
		func(p *apiextensions.JSONSchemaPropsOrArray, c randfill.Continue) {
			p.Schema = &apiextensions.JSONSchemaProps{Type: "string"}
		},
		func(p *apiextensions.JSONSchemaPropsOrStringArray, c randfill.Continue) { p.Property = []string{"a", "b"} },
	}
}

type body struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Definition string          `json:"definition"`
	Protobuf   string          `json:"protobuf"`
	JSON       json.RawMessage `json:"json"`
}

type modelNamed interface{ OpenAPIModelName() string }
type marshaler interface{ Marshal() ([]byte, error) }

func main() {
	if err := apiextensions.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	if err := apiregistration.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	var table map[string]map[string]string
	text, err := os.ReadFile(facts)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(text, &table); err != nil {
		panic(err)
	}
	var bodies []body
	for gvk := range scheme.Scheme.AllKnownTypes() {
		object, err := scheme.Scheme.New(gvk)
		if err != nil {
			panic(err)
		}
		named, isNamed := object.(modelNamed)
		_, isMarshaler := object.(marshaler)
		if !isNamed || !isMarshaler || strings.HasSuffix(gvk.Kind, "List") || gvk.Version == runtime.APIVersionInternal {
			continue
		}
		definition := named.OpenAPIModelName()
		dot := strings.LastIndex(definition, ".")
		if _, known := table[definition[:dot]][definition[dot+1:]]; !known || strings.Contains(definition, "meta.v1.") {
			continue
		}
		apiVersion, kind := gvk.ToAPIVersionAndKind()
		bodies = append(bodies, body{APIVersion: apiVersion, Kind: kind, Definition: definition})
	}
	sort.Slice(bodies, func(i, j int) bool {
		return bodies[i].APIVersion+bodies[i].Kind < bodies[j].APIVersion+bodies[j].Kind
	})
	var out bytes.Buffer
	for index := range bodies {
		fill(&bodies[index], int64(index))
		line, err := json.Marshal(bodies[index])
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
	fmt.Println(len(bodies), "bodies,", out.Len(), "bytes")
}

func fill(b *body, number int64) {
	gvk := schema.FromAPIVersionAndKind(b.APIVersion, b.Kind)
	object, err := scheme.Scheme.New(gvk)
	if err != nil {
		panic(err)
	}
	randfill.NewWithSeed(0).RandSource(rand.NewSource(seed+number)).NilChance(0.35).NumElements(1, 1).MaxDepth(11).Funcs(funcs()...).Fill(object)
	object.GetObjectKind().SetGroupVersionKind(gvk)
	encoder := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	var wire bytes.Buffer
	if err := encoder.Encode(object, &wire); err != nil {
		panic(err)
	}
	b.Protobuf = base64.StdEncoding.EncodeToString(wire.Bytes())
	// Through protobuf first: what it does not carry is not the decoder's to find.
	again, _, err := encoder.Decode(wire.Bytes(), nil, nil)
	if err != nil {
		panic(err)
	}
	again.GetObjectKind().SetGroupVersionKind(gvk)
	if b.JSON, err = json.Marshal(again); err != nil {
		panic(err)
	}
}
