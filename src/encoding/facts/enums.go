package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

const enumOutput = "../../schema/published-enums.json"

// enums collects the named string types that fields have, by the package of the definition and the name Go prints.
type enums map[string]map[string]reflect.Type

func (e enums) add(from string, t reflect.Type) {
	if t.Kind() != reflect.String || t.PkgPath() == "" {
		return
	}
	if e[from] == nil {
		e[from] = map[string]reflect.Type{}
	}
	if known, ok := e[from][goName(t)]; ok && known != t {
		panic("two types are called " + goName(t) + " in " + from)
	}
	e[from][goName(t)] = t
}

// write keeps the types that are marked +enum, with the values of their constants, sorted.
func (e enums) write() {
	sources := map[string]map[string][]string{}
	out := map[string]map[string][]string{}
	for from, types := range e {
		for name, t := range types {
			if sources[t.PkgPath()] == nil {
				sources[t.PkgPath()] = enumsOf(t.PkgPath())
			}
			values := sources[t.PkgPath()][t.Name()]
			if len(values) == 0 {
				continue
			}
			if out[from] == nil {
				out[from] = map[string][]string{}
			}
			out[from][name] = values
		}
	}
	var text strings.Builder
	text.WriteString("{")
	for i, pkg := range keys(out) {
		if i > 0 {
			text.WriteString(",")
		}
		fmt.Fprintf(&text, "\n%q: {", pkg)
		for j, name := range keys(out[pkg]) {
			if j > 0 {
				text.WriteString(",")
			}
			values, err := json.Marshal(out[pkg][name])
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&text, "\n%q: %s", name, values)
		}
		text.WriteString("\n}")
	}
	text.WriteString("\n}\n")
	if err := os.WriteFile(enumOutput, []byte(text.String()), 0o644); err != nil {
		panic(err)
	}
}

// enumsOf reads the source of a package: values by the name of the type.
func enumsOf(path string) map[string][]string {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		panic(err)
	}
	isSource := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), strings.TrimSpace(string(dir)), isSource, parser.ParseComments)
	if err != nil {
		panic(err)
	}
	marked := map[string]bool{}
	values := map[string][]string{}
	for _, pkg := range packages {
		for _, file := range pkg.Files {
			for _, declaration := range file.Decls {
				general, ok := declaration.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range general.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						if isEnum(general.Doc) || isEnum(spec.Doc) {
							marked[spec.Name.Name] = true
						}
					case *ast.ValueSpec:
						if general.Tok == token.CONST {
							addValues(values, spec)
						}
					}
				}
			}
		}
	}
	for name := range values {
		if !marked[name] {
			delete(values, name)
			continue
		}
		sort.Strings(values[name])
	}
	return values
}

// addValues takes constants that name their type: `const A T = "a"`.
func addValues(values map[string][]string, spec *ast.ValueSpec) {
	name, ok := spec.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, value := range spec.Values {
		literal, ok := value.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil {
			panic(err)
		}
		if !contains(values[name.Name], text) {
			values[name.Name] = append(values[name.Name], text)
		}
	}
}

func contains(list []string, text string) bool {
	for _, item := range list {
		if item == text {
			return true
		}
	}
	return false
}

func isEnum(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, line := range doc.List {
		if strings.TrimSpace(strings.TrimPrefix(line.Text, "//")) == "+enum" {
			return true
		}
	}
	return false
}
