# SPDX-License-Identifier: GPL-3.0-or-later
"""A gate between one client and the broker, which holds a request back when told to: what happens between two requests
of a transaction can then be chosen, and does not depend on luck.

    with Gate(broker) as gate:
        worker(kafka_bootstrap_servers=broker.gated)
        gate.hold(END_TXN)
        gate.wait_held(10)      # such a request has come; the broker has not seen it
        gate.release()          # or gate.cut(): every connection ends

Kafka's requests: 4 bytes of size, 2 of API key, … (the protocol guide of Apache Kafka, "request header").
"""
import socket
import struct
import threading

from children import PATIENCE

ADD_OFFSETS_TO_TXN, END_TXN, TXN_OFFSET_COMMIT = 25, 26, 28


class Gate:
    """Listens on the broker's gate port from here on."""

    def __init__(self, broker):
        self._to = broker.behind_gate
        self._listener = socket.create_server(("127.0.0.1", broker.gate_port))
        self._lock = threading.Condition()
        self._hold, self._held = set(), 0
        self._sockets = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A thread in accept() keeps a closed listener alive; shut down, it leaves.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.release()
        self.cut()

    def hold(self, *keys):
        """From now on requests with these API keys stay here."""
        with self._lock:
            self._hold, self._held = set(keys), 0

    def wait_held(self, seconds):
        with self._lock:
            if not self._lock.wait_for(lambda: self._held > 0, seconds * PATIENCE):
                raise AssertionError(f"not within {seconds * PATIENCE:g} s: a request that is to be held")

    def release(self):
        with self._lock:
            self._hold = set()
            self._lock.notify_all()

    def cut(self):
        """Ends every connection; what is held is never sent."""
        with self._lock:
            ends, self._sockets = self._sockets, set()
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(self._to)
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets |= {client, server}
            threading.Thread(target=self._carry, args=(client, server, self._requests), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, self._bytes), daemon=True).start()

    def _carry(self, source, target, pieces):
        try:
            for piece in pieces(source):
                target.sendall(piece)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()
        with self._lock:
            self._sockets.discard(source)

    @staticmethod
    def _bytes(source):
        while piece := source.recv(65536):
            yield piece

    def _requests(self, source):
        stream = source.makefile("rb")
        while len(head := stream.read(6)) == 6:
            size, key = struct.unpack(">ih", head)
            rest = stream.read(size - 2)
            with self._lock:
                if key in self._hold:
                    self._held += 1
                    self._lock.notify_all()
                    self._lock.wait_for(lambda key=key: key not in self._hold)
                if source not in self._sockets:
                    return
            yield head + rest
