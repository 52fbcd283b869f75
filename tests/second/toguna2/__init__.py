"""The Toguna protocol a second time, written from docs/protocol.md alone: to show that the page suffices, and to catch what
one implementation alone would get wrong twice. For tests; it is slow and keeps no secret."""
