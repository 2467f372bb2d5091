package tracing

const CloseTimeout = closeTimeout
