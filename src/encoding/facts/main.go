// Command facts prints the table of field facts: what Go's types know and OpenAPI does not say. Per type, in struct order:
// JSON name, protobuf number, pointer or not, omitempty or not, Go type. See ../field-facts.ts for how the table is read. Beside it
// the values of types that are marked +enum, for ../../schema/published-enums.json.
//
// It reflects on the published Go modules and keeps the types that the pinned OpenAPI document defines.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

const (
	openAPI = "../../../node_modules/@forklift-ui/types/src/generated/kubernetes/swagger.json"
	output  = "../field-facts.json"
)

// Types whose JSON is not that of their fields; the reader knows them by name.
var special = map[string]bool{
	"io.k8s.apimachinery.pkg.api.resource.Quantity":                                         true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.Time":                                             true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":                                        true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":                                         true,
	"io.k8s.apimachinery.pkg.runtime.RawExtension":                                          true,
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString":                                       true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON":                         true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray":       true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool":        true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": true,
}

type modelNamed interface{ OpenAPIModelName() string }
type unmarshaler interface{ Unmarshal([]byte) error }

// modelName is the name of a type's OpenAPI definition, "" when it has none.
func modelName(t reflect.Type) string {
	if named, ok := reflect.New(t).Interface().(modelNamed); ok {
		return named.OpenAPIModelName()
	}
	return ""
}

// goName is how Go prints a named type in an error, e.g. "v1.PullPolicy"; "" for an unnamed or predeclared one.
func goName(t reflect.Type) string {
	if t.PkgPath() == "" {
		return ""
	}
	return path.Base(t.PkgPath()) + "." + t.Name()
}

type generator struct {
	known map[string]bool
	// by package prefix, then by type name
	lines map[string]map[string]string
	seen  map[reflect.Type]bool
	enums enums
}

func split(name string) (string, string) {
	dot := strings.LastIndex(name, ".")
	return name[:dot], name[dot+1:]
}

func (g *generator) ref(t reflect.Type, from string) string {
	name := modelName(t)
	if name == "" {
		panic("no definition name: " + t.String())
	}
	g.add(t)
	pkg, short := split(name)
	if pkg == from {
		return "@" + short
	}
	return "@" + name
}

// kind writes a type as the reader parses it: * pointer, [ list, { map, w message around a list, then a scalar or @definition;
// after it = the Go name of a named scalar and # that of a named list or map (or of a map's keys).
func (g *generator) kind(t reflect.Type, from string) string {
	named, around := "", ""
	if name := goName(t); name != "" {
		named, around = "="+name, "#"+name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + g.kind(t.Elem(), from)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes" + named
		}
		if _, ok := reflect.New(t).Interface().(unmarshaler); ok {
			return "w" + g.kind(t.Elem(), from) + around
		}
		return "[" + g.kind(t.Elem(), from) + around
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic("map key: " + t.String())
		}
		if name := goName(t.Key()); name != "" && around == "" {
			around = "#map[" + name + "]"
		}
		return "{" + g.kind(t.Elem(), from) + around
	case reflect.Struct:
		return g.ref(t, from)
	case reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64, reflect.String:
		g.enums.add(from, t)
		return t.Kind().String() + named
	}
	panic("kind: " + t.String())
}

func number(tag string) string {
	parts := strings.Split(tag, ",")
	if len(parts) < 2 {
		return "0"
	}
	return parts[1]
}

func (g *generator) fields(t reflect.Type, pkg string) []string {
	var out []string
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		if !f.IsExported() {
			panic("unexported field: " + t.String() + "." + f.Name)
		}
		parts := strings.Split(f.Tag.Get("json"), ",")
		if parts[0] == "-" {
			continue
		}
		n := number(f.Tag.Get("protobuf"))
		if f.Anonymous && parts[0] == "" {
			if f.Type == reflect.TypeOf(metav1.TypeMeta{}) {
				out = append(out, "kind:0:?string", "apiVersion:0:?string")
				continue
			}
			out = append(out, "~:"+n+":"+g.ref(f.Type, pkg))
			continue
		}
		if parts[0] == "" {
			panic("no JSON name: " + t.String() + "." + f.Name)
		}
		flag := ""
		for _, option := range parts[1:] {
			switch option {
			case "omitempty":
				flag += "?"
			case "omitzero":
				flag += "!"
			}
		}
		out = append(out, parts[0]+":"+n+":"+flag+g.kind(f.Type, pkg))
	}
	return out
}

func (g *generator) add(t reflect.Type) {
	name := modelName(t)
	if g.seen[t] || special[name] {
		return
	}
	g.seen[t] = true
	pkg, short := split(name)
	if g.lines[pkg] == nil {
		g.lines[pkg] = map[string]string{}
	}
	g.lines[pkg][short] = strings.Join(g.fields(t, pkg), ",")
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	sort.Strings(out)
	return out
}

// definitions reads the names of the pinned OpenAPI document.
func definitions() map[string]bool {
	text, err := os.ReadFile(openAPI)
	if err != nil {
		panic(err)
	}
	var document struct {
		Definitions map[string]json.RawMessage `json:"definitions"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		panic(err)
	}
	known := map[string]bool{}
	for name := range document.Definitions {
		known[name] = true
	}
	return known
}

func main() {
	for _, add := range []func(*runtime.Scheme) error{apiextensions.AddToScheme, apiregistration.AddToScheme} {
		if err := add(scheme.Scheme); err != nil {
			panic(err)
		}
	}
	g := &generator{known: definitions(), lines: map[string]map[string]string{}, seen: map[reflect.Type]bool{}, enums: enums{}}
	for _, t := range scheme.Scheme.AllKnownTypes() {
		if name := modelName(t); g.known[name] && !special[name] {
			g.add(t)
		}
	}
	for _, v := range []any{metav1.CreateOptions{}, metav1.UpdateOptions{}, metav1.PatchOptions{}, metav1.DeleteOptions{}} {
		g.add(reflect.TypeOf(v))
	}
	for name := range g.known {
		pkg, short := split(name)
		if _, ok := g.lines[pkg][short]; !ok && !special[name] {
			fmt.Fprintln(os.Stderr, "no Go type reached for", name)
		}
	}
	var out strings.Builder
	out.WriteString("{")
	for i, pkg := range keys(g.lines) {
		if i > 0 {
			out.WriteString(",")
		}
		fmt.Fprintf(&out, "\n%q: {", pkg)
		for j, short := range keys(g.lines[pkg]) {
			if j > 0 {
				out.WriteString(",")
			}
			fmt.Fprintf(&out, "\n%q: %q", short, g.lines[pkg][short])
		}
		out.WriteString("\n}")
	}
	out.WriteString("\n}\n")
	if err := os.WriteFile(output, []byte(out.String()), 0o644); err != nil {
		panic(err)
	}
	g.enums.write()
}
