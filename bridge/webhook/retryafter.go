package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter is the longest that a receiver can put the bridge off.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads Retry-After, as seconds or as a date. It gives zero for what
// it does not understand and for dates that have passed.
func retryAfter(text string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 32)
	if err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
