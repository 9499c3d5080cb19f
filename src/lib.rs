//! Watchpost watches the doors that browsers use: WebSocket, TLS and origins.
