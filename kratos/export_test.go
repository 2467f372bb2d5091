package kratos

const PwnedTimeout = pwnedTimeout
