#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Apache Kafka broker for the tests: one node, KRaft, on loopback.

    broker = Broker(folder)
    broker.start()          # ready when it answers
    broker.address          # PLAINTEXT
    broker.secure           # SASL_SSL, SCRAM-SHA-512 (Broker(folder, secure=True)); see user, password, certificate
    broker.allow("User:x", "--operation", "Read", ...)      # USER may do everything, OTHERS what they are allowed
    broker.gated            # PLAINTEXT too, but told to clients as the port of a Gate (gate.py)
    broker.stop(); broker.kill(); broker.start()    # the same data, the same ports

By hand:  tests/kafka/broker.py FOLDER    starts one, prints its address, ends with ^C.
"""
import base64
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

import children

ROOT = Path(__file__).resolve().parents[2]
JARS = Path(os.environ.get("VD_KAFKA_JARS", ROOT / "build/kafka/3.9.1"))
USER, PASSWORD = "vidriera", "correct horse"
OTHERS = ("worker", "watch", "submit")
QUICK = {"reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "topic.metadata.refresh.interval.ms": 1000,
         "broker.address.family": "v4"}

_LOG4J = """log4j.rootLogger=WARN, o
log4j.appender.o=org.apache.log4j.ConsoleAppender
log4j.appender.o.layout=org.apache.log4j.PatternLayout
log4j.appender.o.layout.ConversionPattern=%d %p %m (%c)%n
"""
# One partition for offsets and transactions: made quickly at first use. The rest: nothing waits longer than a test can.
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=2000
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.threads=1
num.io.threads=2
num.network.threads=2
num.recovery.threads.per.data.dir=2
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,GATED:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
"""
_SECURE = """authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{user}
ssl.keystore.type=PKCS12
ssl.keystore.location={keystore}
ssl.keystore.password=changeit
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


_given = set()


def free_port():
    """Another one each time. Below the range from which the kernel takes the ports of outgoing connections: it stays free for a restart."""
    while True:
        port = random.SystemRandom().randrange(15000, 32000)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                _given.add(port)
                return port
            except OSError:
                pass


class Broker:
    """Not started yet. What it says is in folder/log."""

    def __init__(self, folder, secure=False):
        self.folder = Path(folder)
        self.process = None
        self._ports = {name: free_port() for name in ("PLAINTEXT", "GATED", "CONTROLLER", "SASL_SSL")}
        self.gate_port = free_port()
        self.address = f"127.0.0.1:{self._ports['PLAINTEXT']}"
        self.behind_gate = ("127.0.0.1", self._ports["GATED"])
        self.gated = f"127.0.0.1:{self.gate_port}"
        self.secure = f"localhost:{self._ports['SASL_SSL']}" if secure else None
        self.certificate = self.folder / "certificate.pem"
        self._jvm = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                     f"-Dlog4j.configuration=file:{self.folder}/log4j.properties", "-cp", f"{JARS}/*"]

    def start(self):
        """Waits until it answers."""
        properties = self.folder / "server.properties"
        if not properties.exists():
            self._format(properties)
        with open(self.folder / "log", "ab") as log:
            self.process = children.start([*self._jvm, "kafka.Kafka", str(properties)], stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log)
        self._wait_ready(60)

    def stop(self):
        """As an administrator does."""
        self._end(signal.SIGTERM)

    def kill(self):
        """As a power cut does."""
        self._end(signal.SIGKILL)

    def allow(self, *words):
        """As kafka-acls.sh --add does."""
        self._run([*self._jvm, "kafka.admin.AclCommand", "--bootstrap-server", self.address, "--add", *words])

    def running(self):
        return self.process is not None and self.process.poll() is None

    def tail(self, lines=20):
        log = self.folder / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def _end(self, number):
        if self.running():
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def _listeners(self):
        """name -> (port it listens on, where clients are sent to)"""
        ports = self._ports
        listeners = {"PLAINTEXT": (ports["PLAINTEXT"], self.address), "GATED": (ports["GATED"], self.gated)}
        if self.secure:
            listeners["SASL_SSL"] = (ports["SASL_SSL"], self.secure)
        return listeners

    def _format(self, properties):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j.properties").write_text(_LOG4J)
        listeners, controller = self._listeners(), self._ports["CONTROLLER"]
        text = _PROPERTIES.format(controller=controller, data=self.folder / "data")
        text += "listeners=" + ",".join(f"{name}://127.0.0.1:{port}" for name, (port, _) in listeners.items())
        text += f",CONTROLLER://127.0.0.1:{controller}\n"
        text += "advertised.listeners=" + ",".join(f"{name}://{to}" for name, (_, to) in listeners.items()) + "\n"
        scram = []
        if self.secure:
            text += _SECURE.format(keystore=self._make_keystore(), user=USER)
            for user in (USER, *OTHERS):
                scram += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={PASSWORD}]"]
        draft = properties.with_suffix(".part")
        draft.write_text(text)
        cluster = base64.b32encode(os.urandom(10)).decode() + "AAAAAA"  # 22 characters, as a UUID in base 64
        self._run([*self._jvm, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(draft), *scram])
        draft.rename(properties)

    def _make_keystore(self):
        keystore = self.folder / "keystore.p12"
        options = ["-storetype", "PKCS12", "-keystore", str(keystore), "-storepass", "changeit", "-alias", "broker"]
        self._run(["keytool", "-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=localhost",
                   "-ext", "san=dns:localhost,ip:127.0.0.1", "-validity", "30", *options])
        self._run(["keytool", "-exportcert", "-rfc", "-file", str(self.certificate), *options])
        return keystore

    def _run(self, command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout}")

    def _wait_ready(self, seconds):
        deadline = time.monotonic() + seconds * children.PATIENCE
        client = AdminClient({"bootstrap.servers": self.address, "log_level": 0, **QUICK})
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the broker ended with {self.process.returncode}:\n{self.tail()}")
            try:
                if client.list_topics(timeout=0.5).brokers:
                    return
            except KafkaException:
                pass
        raise RuntimeError(f"the broker does not answer:\n{self.tail()}")


def main():
    broker = Broker(Path(sys.argv[1]).resolve())
    broker.start()
    print(broker.address, flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    broker.stop()


if __name__ == "__main__":
    main()
