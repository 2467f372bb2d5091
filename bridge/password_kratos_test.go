package bridge_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

func TestMain(m *testing.M) { os.Exit(kratostest.Main(m)) }

type pair struct{ email, password string }

// TestPasswordVerdictsAreKratos compares with the registration flow of a real
// Kratos: the same verdict, with the same message id, for edge cases and for
// generated pairs. PASSWORD_PAIRS sets how many; 600 by default.
func TestPasswordVerdictsAreKratos(t *testing.T) {
	kratos := kratostest.Shared(t)
	policy := bridge.PasswordPolicy{MinLength: 8, CheckSimilarity: true}
	pairs := edgePairs()
	count := 600
	if n, err := strconv.Atoi(os.Getenv("PASSWORD_PAIRS")); err == nil {
		count = n
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same pairs in each run
	for i := range count {
		pairs = append(pairs, generatedPair(random, i))
	}
	verdicts := map[int]int{}
	for _, p := range pairs {
		theirs, err := kratos.Register(t.Context(), p.email, p.password)
		if err != nil {
			t.Fatalf("%s, %q: %v", p.email, p.password, err)
		}
		ours := verdict(policy.Check(t.Context(), []string{strings.ToLower(p.email)}, p.password))
		verdicts[ours]++
		if len(theirs) > 1 || len(theirs) == 0 && ours != 0 || len(theirs) == 1 && ours != theirs[0] {
			t.Errorf("%s, %q: Kratos returns %v, the bridge %d", p.email, p.password, theirs, ours)
		}
	}
	t.Logf("%d pairs, by verdict: %v", len(pairs), verdicts)
	for _, id := range []int{0, 4000002, 4000031, 4000032, 4000033} {
		if verdicts[id] == 0 {
			t.Errorf("no pair has the verdict %d", id)
		}
	}
}

func edgePairs() []pair {
	const long = "xK7#mQ2v9"
	passwords := []string{
		"", "1234567", "12345678", "ääää", "äää", "aaaaaaa\u0301", "        ", "\t\n passw", "alice@exam", "aliceXXXXX", "aliceXXXX",
		"alicealice", "ALICEXXXX9", "ecila@moc.elpmaxe", "xalice.edge@example.comx", "\u212ake\u212ake\u212ake", "pässwörtchen", "🔑🔑", "🔑🔑🔑",
		strings.Repeat(long, 8), strings.Repeat(long, 8) + "z", strings.Repeat("ä", 36), strings.Repeat("ä", 36) + "z", strings.Repeat("🔑", 18),
		"alice.edge@example.com" + strings.Repeat("z", 50), "alice.edge@example.com" + strings.Repeat("z", 51), strings.Repeat("alice.edge@example.com", 4),
		strings.Repeat("x", 200), "{{password}}", `"quoted\"`, "null", "\u202eabcdefgh", "abcdefg\u0000",
	}
	pairs := make([]pair, 0, len(passwords)+2)
	for i, password := range passwords {
		pairs = append(pairs, pair{fmt.Sprintf("alice.edge%d@example.com", i), password})
	}
	return append(pairs, pair{"Alice.Upper@Example.COM", "alice.upper@example"}, pair{"a@b.co", "a@b.co12"})
}

const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#%&äß€🔑"

func text(random *rand.Rand, n int) string {
	all := []rune(characters)
	out := make([]rune, n)
	for i := range out {
		out[i] = all[random.IntN(len(all))]
	}
	return string(out)
}

// generatedPair stays close to the limits: of the length, of the distance, and
// of the part that identifier and password have in common.
func generatedPair(random *rand.Rand, i int) pair {
	local := strings.ToLower(strings.Map(func(r rune) rune {
		if r > 'z' || r < '0' || r > '9' && r < 'A' {
			return 'q'
		}
		return r
	}, text(random, 1+random.IntN(12))))
	email := fmt.Sprintf("%s%d@example.com", local, i)
	switch random.IntN(4) {
	case 0: // a few edits apart from the identifier
		password := []rune(email)
		for range random.IntN(8) {
			password[random.IntN(len(password))] = []rune(text(random, 1))[0]
		}
		return pair{email, string(password)}
	case 1: // a part of the identifier among other characters
		n := 1 + random.IntN(len(email))
		from := random.IntN(len(email) - n + 1)
		rest := text(random, max(0, n+random.IntN(5)-2))
		cut := random.IntN(len(rest) + 1)
		return pair{email, strings.ToValidUTF8(rest[:cut]+email[from:from+n]+rest[cut:], "x")}
	case 2: // about as long as allowed
		return pair{email, text(random, 60+random.IntN(14))}
	default:
		return pair{email, text(random, 5+random.IntN(10))}
	}
}
