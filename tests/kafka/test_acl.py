#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker that lets each do what README says it needs, and nothing else."""
import re
import shlex

import broker as kafka
from case import KafkaCase, main
from children import wait_for
from test_people import Page

LINE = re.compile(r"^    acl (\w+) (--.*)$", re.MULTILINE)


class Allowed(KafkaCase):
    secure = True

    def listed_appliance(self):
        return self.kafka_appliance(worker_group=None, http_listen="127.0.0.1:0", kafka_broker_address_family="v4",
                                    kafka_security_protocol="sasl_ssl", kafka_sasl_mechanism="SCRAM-SHA-512",
                                    kafka_bootstrap_servers=self.broker.secure, kafka_sasl_password=kafka.PASSWORD,
                                    kafka_ssl_ca_location=self.broker.certificate)

    def as_user(self, name):
        return {"kafka_sasl_username": name}

    def see_refused(self):
        made = self.listed_appliance()
        made.record("a.mp4")
        refused = made.run("submit", made.path("recordings", "a.mp4"), **self.as_user("submit"))
        self.assertIn("allow it Write on topic vidriera.jobs", refused.stderr)

    def job_in(self, page, state):
        """The one of that state, as soon as the page shows it."""
        def of_state():
            return [job for job, seen in page.states().items() if seen == state]
        return wait_for(of_state, 30, f"the page shows a job that is {state}")[0]

    def change(self, made, command, job):
        changed = made.run(command, job, **self.as_user("watch"))
        self.assertEqual(changed.returncode, 0, changed.stderr)

    def test_readme(self):
        self.see_refused()
        made = self.listed_appliance()
        lines = LINE.findall((kafka.ROOT / "README.md").read_text())
        self.assertEqual({user for user, _ in lines}, set(kafka.OTHERS))
        for user, words in lines:
            self.broker.allow("--allow-principal", f"User:{user}", *shlex.split(words, comments=True))
        self.admin.delete_all()  # the worker makes them

        worker = made.worker(**self.as_user("worker"))
        watch = made.start("watch", **self.as_user("watch"))
        watched = made.record("watched.mp4")
        made.wait_event(watched, 60)
        submitted = made.record("submitted.mp4")
        done = made.run("submit", "--wait", made.path("recordings", "submitted.mp4"), **self.as_user("submit"))
        self.assertEqual(done.returncode, 0, done.stderr)
        made.wait_event(submitted)
        for program in (worker, watch):
            page = Page(program)
            wait_for(lambda page=page: list(page.states().values()) == ["completed"] * 2, 30, "the page shows both")
        self.assertEqual(worker.stop(), 0)
        made.record("waits.mp4")
        self.change(made, "cancel", self.job_in(Page(watch), "waiting"))
        broken = made.record("broken.mp4", b"no recording")
        worker = made.worker(**self.as_user("worker"))
        self.job_in(Page(worker), "cancelled")
        wait_for(lambda: made.path("failed", "broken.mp4").exists(), 60, f"{broken} has failed")
        self.change(made, "retry", self.job_in(Page(watch), "failed"))
        for program in (watch, worker):
            self.assertEqual(program.stop(), 0)
            said = [line for line in program.lines() if re.search("(?i)authoriz", str(line))]
            self.assertEqual(said, [])


if __name__ == "__main__":
    main()
