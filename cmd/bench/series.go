package main

import (
	"context"
	"time"
)

// series is the turns of one way, one in each round.
type series struct {
	way     *way
	clients int
	turns   []turn
}

// firstRate is how many rows a second are expected before any are measured.
const firstRate = 2000

// compare lets all ways take turns, in each round once, after a shorter turn of each
// to warm up.
func (s *stage) compare(ctx context.Context, clients int, ways ...*way) ([]series, error) {
	all := make([]series, len(ways))
	rates := make([]float64, len(ways))
	for i, w := range ways {
		all[i] = series{way: w, clients: clients}
		if w.rows != nil {
			all[i].clients, rates[i] = 0, firstRate
		}
	}
	for round := -1; round < s.bench.options.turns; round++ {
		length := s.turn
		if round < 0 {
			length = max(length/4, 200*time.Millisecond)
		}
		if round == 0 {
			if err := s.bench.database.settle(ctx); err != nil {
				return nil, err
			}
		}
		for i, w := range ways {
			if w.stock != nil {
				n := minCalls*clients + int(1.5*rates[i]*length.Seconds())
				if err := w.stock(ctx, n); err != nil {
					return nil, err
				}
			}
			s.bench.progress("%s, %d at once, turn %d of %d", w.name, clients, round+1, s.bench.options.turns)
			t, err := s.take(ctx, w, clients, length, rates[i])
			if err != nil {
				return nil, err
			}
			rates[i] = t.rate()
			if round >= 0 {
				all[i].turns = append(all[i].turns, t)
			}
		}
	}
	return all, nil
}

func (s series) each(value func(turn) float64) []float64 {
	all := make([]float64, len(s.turns))
	for i, t := range s.turns {
		all[i] = value(t)
	}
	return all
}

func (s series) rates() []float64 { return s.each(turn.rate) }

func (s series) cpu(names ...string) []float64 {
	return s.each(func(t turn) float64 { return t.perOp(names...) })
}

// The limits above which the machine was too noisy to judge a result.
const (
	maxSpread = 0.30 // of the result from round to round
	maxOthers = 0.05 // share of the processors that other processes used
)

// noise says what makes a result unusable, given its values in all rounds and the
// series that they come from. It returns nothing if the result can be judged.
func noise(values []float64, of ...series) string {
	for _, s := range of {
		if median(s.each(func(t turn) float64 { return t.others })) > maxOthers {
			return "other processes used the processors"
		}
	}
	if spread(values) > maxSpread {
		return "it differs from round to round"
	}
	return ""
}
