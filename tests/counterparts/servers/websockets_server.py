"""python websockets_server.py PORT"""
import asyncio
import sys

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), origins=["https://app.test"]):
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
