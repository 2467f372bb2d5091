package httpapi

const idempotencyHeader = "Idempotency-Key"
