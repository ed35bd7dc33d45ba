#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker that wants TLS and a password."""
import broker as kafka
from case import KafkaCase, main

CONFIG = """kafka {{
    bootstrap.servers = "{address}"
    security.protocol = sasl_ssl
    sasl.mechanism = SCRAM-SHA-512
    sasl.username = {user}
    ssl.ca.location = "{certificate}"
    broker.address.family = v4
}}
"""


class Secure(KafkaCase):
    secure = True

    def secured(self, password=kafka.PASSWORD, **changes):
        """An appliance that is told everything but the password in a file, and the password by another file."""
        appliance = self.kafka_appliance(kafka_bootstrap_servers=None, **changes)
        config = appliance.folder / "vidriera.conf"
        config.write_text(CONFIG.format(address=self.broker.secure, user=kafka.USER,
                                        certificate=self.broker.certificate))
        secret = appliance.folder / "password"
        secret.write_text(password + "\n")
        secret.chmod(0o600)
        appliance.settings["kafka_sasl_password_file"] = secret
        return appliance, config

    def test_a_job(self):
        appliance, config = self.secured()
        recording = appliance.record("s/r.mp4")
        self.assertEqual(appliance.run("topics", "--check", "--config", config).returncode, 0)
        worker = appliance.worker("--config", config)
        submitted = appliance.run("submit", "--config", config, "--wait", appliance.path("recordings", "s/r.mp4"))
        self.assertEqual(submitted.returncode, 0, submitted.stderr)
        appliance.wait_event(recording)
        self.assertEqual(worker.stop(), 0)
        self.assert_end_state(appliance, [recording])
        self.assertNotIn(kafka.PASSWORD, worker.text())

    def test_wrong_password(self):
        appliance, config = self.secured(password="not that one")
        for command in (("topics", "--check"), ("worker", "--once", "--wait-s", "5")):
            done = appliance.run(*command, "--config", config)
            self.assertIn(done.returncode, (69, 78), done.stderr)
            said = done.stderr + done.stdout
            self.assertRegex(said.lower(), "authenticat|sasl")
            self.assertNotIn("not that one", said)

    def test_a_certificate_of_somebody_else(self):
        appliance, config = self.secured()
        other = "/etc/ssl/certs/ca-certificates.crt"
        config.write_text(config.read_text().replace(str(self.broker.certificate), other))
        done = appliance.run("topics", "--check", "--config", config)
        self.assertIn(done.returncode, (69, 78), done.stderr)
        self.assertRegex((done.stderr + done.stdout).lower(), "ssl|certificate")

    def test_print_hides_the_password(self):
        appliance, config = self.secured()
        done = appliance.run("config", "--print", "--config", config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sasl_ssl", done.stdout)
        self.assertNotIn(kafka.PASSWORD, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
