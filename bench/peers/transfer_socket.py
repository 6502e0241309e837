"""Bytes from one process to another over a plain TCP socket, nothing checked: loopback, or through a link with a delay."""
import multiprocessing
import platform
import socket
import subprocess

from answer import answer, given_work

work = given_work()
size = int(work["megabytes"] * 1e6)


def serve(server):
    data = bytes(size)
    while True:
        connection, _ = server.accept()
        with connection:
            while connection.recv(1):
                connection.sendall(data)


server = socket.create_server(("127.0.0.1", 0))
multiprocessing.get_context("fork").Process(target=serve, args=(server,), daemon=True).start()
port = server.getsockname()[1]
if work["delayMs"] > 0:
    command = ["node", work["link"], str(port), str(work["delayMs"])]
    link = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(link.stdout.readline())
connection = socket.create_connection(("127.0.0.1", port))
arrived = memoryview(bytearray(size))


def pull():
    connection.sendall(b"?")
    at = 0
    while at < size:
        at += connection.recv_into(arrived[at:])
    return size / 1e6


answer(f"Python {platform.python_version()} sockets", pull)
