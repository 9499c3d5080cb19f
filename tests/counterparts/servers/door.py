"""Opens every WebSocket on an address and a port; needs nothing but Python."""

import base64
import hashlib
import socket
import sys
import threading


def serve(connection):
    with connection:
        head = connection.recv(65536).decode("latin-1")
        key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key:"))
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        accept = base64.b64encode(digest).decode()
        connection.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        while connection.recv(1024):
            pass


with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listener:
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
