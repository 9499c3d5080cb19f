# python receiver.py PORT SECRET: takes what both libraries find well signed.
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import standardwebhooks
import svix

PORT, SECRET = sys.argv[1:]


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {key.lower(): value for key, value in self.headers.items()}
        try:
            message = standardwebhooks.Webhook(SECRET).verify(body, headers)
            svix.Webhook(SECRET).verify(body, headers)
            status = 204 if message["type"].startswith("incident.") else 500
        except Exception as error:
            print(error, file=sys.stderr)
            status = 401
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(PORT)), Receiver).serve_forever()
