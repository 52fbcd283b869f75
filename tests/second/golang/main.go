// Do Go's own packages for signed notes and transparency logs (golang.org/x/mod/sumdb) accept what our log says? Reads
// vector files of tests/second and checks their checkpoints, inclusion proofs and consistency proofs, good and bad.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type vector struct {
	Kind, Name, Log, Note   string
	Valid                   bool
	Entry, Salt, Path, Root string
	Index, Size             int64
	OldSize                 int64  `json:"old_size"`
	OldRoot                 string `json:"old_root"`
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func hash(s string) (h tlog.Hash) {
	copy(h[:], unhex(s))
	return h
}

func path(s string) (p []tlog.Hash) {
	for b := unhex(s); len(b) > 0; b = b[32:] {
		var h tlog.Hash
		copy(h[:], b[:32])
		p = append(p, h)
	}
	return p
}

// The note opens, and its three lines state this size and root.
func checkpoint(v vector) error {
	verifier, err := note.NewVerifier(v.Log)
	if err != nil {
		return err
	}
	n, err := note.Open([]byte(v.Note), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%s\n%d\n%s\n", verifier.Name(), v.Size, hash(v.Root))
	if !strings.HasPrefix(n.Text, want) {
		return fmt.Errorf("text is not %q", want)
	}
	return nil
}

func opening(v vector) error {
	leaf := sha256.Sum256(bytes.Join([][]byte{[]byte("toguna/leaf/v1\x00"), unhex(v.Salt), unhex(v.Entry)}, nil))
	return tlog.CheckRecord(path(v.Path), v.Size, hash(v.Root), v.Index, tlog.RecordHash(leaf[:]))
}

func consistency(v vector) error {
	return tlog.CheckTree(path(v.Path), v.Size, hash(v.Root), v.OldSize, hash(v.OldRoot))
}

func check(v vector) (known bool, err error) {
	switch v.Kind {
	case "checkpoint": // bad ones break rules of checkpoints that a note does not know
		return v.Valid, checkpoint(v)
	case "opening":
		return true, opening(v)
	case "consistency": // about the empty tree Go's package says nothing
		return v.OldSize > 0, consistency(v)
	}
	return false, nil
}

func main() {
	failed, checked := 0, map[string]int{}
	for _, file := range os.Args[1:] {
		var all struct{ Vectors []json.RawMessage }
		data, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(data, &all)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		for _, raw := range all.Vectors {
			var kind struct{ Kind string }
			var v vector
			json.Unmarshal(raw, &kind)
			if kind.Kind != "checkpoint" && kind.Kind != "opening" && kind.Kind != "consistency" {
				continue
			}
			if err := json.Unmarshal(raw, &v); err != nil {
				fmt.Println(err)
				os.Exit(2)
			}
			known, err := check(v)
			if !known {
				continue
			}
			checked[v.Kind]++
			if (err == nil) != v.Valid {
				failed++
				fmt.Printf("%s: %s: %s: valid %v, but Go says: %v\n", file, v.Kind, v.Name, v.Valid, err)
			}
		}
	}
	fmt.Printf("Go agrees with all but %d of %v\n", failed, checked)
	if failed > 0 || checked["checkpoint"] == 0 || checked["opening"] == 0 || checked["consistency"] == 0 {
		os.Exit(1)
	}
}
