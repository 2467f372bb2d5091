package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter is the longest delay that a receiver can request.
const maxRetryAfter = 24 * time.Hour

// retryAfter parses Retry-After, in seconds or as a date. It returns zero for
// invalid values and for dates in the past.
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
