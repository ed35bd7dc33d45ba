#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a real browser, before a real worker and a real broker: as a person would use it."""
# pylint: disable=wrong-import-position
import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "kafka"))

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import clips
from browser import ROOT, Browser
from case import KafkaCase, main
from children import wait_for

TOKEN = "more-than-sixteen-bytes"
EVENT_LINES = 20  # who can listen to /events
SILENCE = 45  # seconds, after which the page gives up a line
SIZES = [(360, "light"), (360, "dark"), (1600, "light"), (1600, "dark")]

# The mean colour of each half of a picture, as [red, green, blue]; null: nothing is drawn there.
_HALVES = """(canvas) => [0, canvas.width / 2].map((left) => {
    const {data} = canvas.getContext("2d").getImageData(left, 0, canvas.width / 2, canvas.height);
    const sum = [0, 0, 0, 0];
    data.forEach((value, i) => { sum[i % 4] += value; });
    return sum[3] ? sum.slice(0, 3).map((one) => one / data.length * 4) : null;
})"""


def filmed():
    """15 s of what a camera sees, where the real clips are; otherwise of a test card."""
    real, target = ROOT / "build/clips/bigbuckbunny.mp4", clips.CACHE / "filmed.mp4"
    if not real.exists():
        return clips.make(15 * clips.RATE, "640x360")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(".filmed.mp4")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-stream_loop", "2", "-i", real, "-vf", "scale=640:360", "-c:v",
                        "libx264", "-preset", "veryfast", "-c:a", "aac", draft], check=True, stdin=subprocess.DEVNULL)
        draft.rename(target)
    return target


class Page(KafkaCase):
    """One browser for all tests; each has a worker of its own, so an origin of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.to_be_refused = []  # what the browser may complain about: path and why, as patterns
        self.requests = []

    def worker_with_page(self, media="yes", **settings):
        """(appliance, worker); the browser is at its page."""
        appliance = self.kafka_appliance(http_listen="127.0.0.1:0", http_media=media,
                                         **{"http_token_file": self.folder / "token", **settings})
        (self.folder / "token").write_text(TOKEN + "\n")
        (self.folder / "token").chmod(0o600)
        worker = appliance.worker()
        self.open_page(worker)
        return appliance, worker

    def open_page(self, program):
        line = wait_for(lambda: program.said("the page: http://") or not program.alive(), 20,
                        "it says where the page is")
        self.assertTrue(program.alive(), program.text())
        self.origin = re.search(r"http://[0-9.:]+", line).group()
        self.browser.look_like(1600, "light")
        self.browser.driver.get(self.origin + "/")

    def asked(self):
        """Every URL until now."""
        self.requests += [url for url in self.browser.requests() if url.startswith("http")]
        return self.requests

    def tearDown(self):
        self.browser.driver.get("about:blank")  # it asks for nothing more
        requests = self.asked()
        complaints = [text for text in self.browser.complaints()
                      if not any(re.match(re.escape(self.origin) + wanted, text) for wanted in self.to_be_refused)]
        super().tearDown()
        self.assertIn(f"{self.origin}/api/jobs", requests, "what the page asks for is not seen here")
        self.assertEqual([url for url in requests if not url.startswith(self.origin + "/")], [], "the page asks others")
        self.assertEqual(complaints, [], "the browser complains")

    def sees(self, selector, *words, seconds=30):
        wait_for(lambda: all(word in self.browser.text(selector) for word in words), seconds,
                 f"{selector} shows {words}")

    def ready(self):
        wait_for(lambda: self.browser.text("#state") == "ready", 60, "it is ready")

    def press(self, label, seconds=20):
        wait_for(lambda: self.browser.press(label), seconds, f"a button {label}")

    def sign_in(self):
        self.press("Sign in")
        self.browser.one("#login input[name=token]").send_keys(TOKEN, Keys.ENTER)
        wait_for(lambda: self.browser.button("Sign out"), 10, "signed in")

    def assert_fit_for_all(self, name):
        """Narrow and wide, light and dark: nothing sticks out, nothing that hinders somebody."""
        for width, scheme in SIZES:
            self.browser.look_like(width, scheme)
            self.browser.picture(f"{name}-{width}-{scheme}")
            self.assertLessEqual(self.browser.overflows(), 0, f"{width} px: sticks out at the right")
            self.assertEqual(self.browser.inaccessible(), [], f"{width} px, {scheme}")
        self.browser.look_like(1600, "light")

    def videos(self):
        return self.browser.run("""return ["original", "result"].map((id) => {
            const video = document.getElementById(id);
            return {at: video.currentTime, paused: video.paused, length: video.duration, ready: video.readyState};
        })""")

    def test_a_recording_is_dropped_into_the_folder(self):
        """Of `run`: nothing else is there, and its history is there again after a restart."""
        appliance = self.appliance(http_listen="127.0.0.1:0", http_media="yes", watch_quiet="1s")
        program = appliance.start("run")
        self.open_page(program)
        self.ready()
        appliance.record("session-1/dropped.mp4", clips.make(3 * clips.RATE, "640x360").read_bytes())
        self.sees("#done", "session-1/dropped.mp4", seconds=60)
        self.assertTrue(self.browser.button("Compare session-1/dropped.mp4 with its original"))
        self.browser.driver.get("about:blank")
        self.assertEqual(program.stop(), 0)
        self.open_page(appliance.start("run", http_listen=self.origin.removeprefix("http://")))
        self.sees("#done", "session-1/dropped.mp4")

    def test_a_recording_goes_through(self):
        appliance, _ = self.worker_with_page()
        self.ready()
        self.sees("#now-none", "Nothing runs.")
        running = appliance.record_slow("session-1/running.mp4", 16)
        clip = appliance.record("session-2/a call.mp4", filmed().read_bytes())
        appliance.send(clip, partition=1)
        self.sender.send("vidriera.jobs", b'{"input":{"path":"session-3/left.mp4"}}', partition=2)
        appliance.send(running, partition=0, **clips.PLACEBO)
        self.sees("#now", "session-1/running.mp4", "%")
        self.sees("#done", "session-2/a call.mp4", "on cpu", seconds=60)
        self.sees("#failed", "session-3/left.mp4", "What to do:")
        self.sees("#waiting-none", "Nothing waits.")
        self.sees("#device", "processor (cpu)", "A faster one is not used: ", "vidriera doctor tells what mends it.")
        self.assertIn("Not on a faster device: ", self.browser.text("#done"))
        self.assert_tinted("session-2/a call.mp4")
        self.browser.whole_picture("page", 1000)  # README's, see ./dev screenshot
        self.assert_fit_for_all("jobs")
        self.sees("#done", "session-1/running.mp4", seconds=240)
        self.compare("session-2/a call.mp4")

    def look(self):
        """What the page is told."""
        line = http.client.HTTPConnection(self.origin.removeprefix("http://"), timeout=20)
        with contextlib.closing(line):
            line.request("GET", "/api/jobs")
            return json.loads(line.getresponse().read())

    def halves(self, path):
        """Of the two pictures in the list; None as long as they are not there."""
        halves = self.browser.run("const of = " + _HALVES + """
            const item = [...document.querySelectorAll("#done li")].find((one) =>
                one.querySelector("h3").textContent === arguments[0]);
            return item ? [...item.querySelectorAll("canvas")].map(of) : [];""", path)
        return halves if len(halves) == 2 and all(half for picture in halves for half in picture) else None

    def assert_tinted(self, path):
        """The list has a picture of it before, and one after: there the left is bluer and the right redder."""
        wait_for(lambda: self.halves(path), 30, f"pictures of {path}")
        original, result = [[half[2] - half[0] for half in picture] for picture in self.halves(path)]
        self.assertGreater(result[0], original[0] + 10, "the left is not blue")
        self.assertLess(result[1], original[1] - 10, "the right is not red")

    def test_pictures_in_the_list(self):
        """Only of what is on the screen, only of what is there, and they stay."""
        appliance, _ = self.worker_with_page()
        self.browser.driver.get("about:blank")
        recordings = [appliance.record(f"s/{number}.mp4", size="320x180") for number in range(4)]
        for number, recording in enumerate(recordings):
            appliance.send(recording, id=f"job-{number}")
            output = appliance.wait_event(recording)["output"]["path"]
        appliance.path("processed", output).unlink()  # of the last, which is the first in the list
        self.to_be_refused = [r"/media/job-3/result .*\b404\b"]
        self.browser.look_like(360, "light", 600)
        self.browser.driver.get(self.origin + "/")
        self.assert_tinted("s/2.mp4")
        self.assertEqual(self.browser.run("return document.querySelectorAll('#done li:first-child canvas').length"), 0)
        self.assertTrue(self.browser.button("Compare s/3.mp4 with its original"))
        self.assertFalse([url for url in self.asked() if "/media/job-0/" in url], "it is not on the screen")
        for number in (1, 0):
            self.browser.run(f"document.querySelector('#done li:nth-child({4 - number})').scrollIntoView()")
            self.assert_tinted(f"s/{number}.mp4")
        look = "return held.isConnected && held.toDataURL()"
        drawn = self.browser.run("held = document.querySelector('#done li:last-child canvas');" + look)
        before = len([url for url in self.asked() if "/media/" in url])
        self.sign_in()
        self.assertEqual(self.browser.run(look), drawn, "the picture is another one")
        self.assertEqual(len([url for url in self.asked() if "/media/" in url]), before, "it is asked for again")

    def compare(self, path):
        browser = self.browser
        self.press(f"Compare {path} with its original")
        wait_for(lambda: all(video["ready"] >= 2 and 6 < video["at"] < 9 for video in self.videos()), 20,
                 "both stand in the middle")
        before = browser.run("return getComputedStyle(document.querySelectorAll('#stage figure')[1]).clipPath")
        browser.one("#wipe").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        after = browser.run("return getComputedStyle(document.querySelectorAll('#stage figure')[1]).clipPath")
        self.assertNotEqual(before, after, "the seam does not move")
        self.assert_fit_for_all("compare")
        began = [video["at"] for video in self.videos()]
        browser.run("""changes = 0;
            new MutationObserver((all) => { changes += all.length; })
                .observe(compare, {attributes: true, childList: true, characterData: true, subtree: true});""")
        self.press("Play")
        wait_for(lambda: all(video["at"] > start + 1 for video, start in zip(self.videos(), began)), 30, "both play")
        wait_for(lambda: browser.run("""return !result.paused && !original.paused &&
                                     Math.abs(original.currentTime - result.currentTime) < 0.1"""), 10, "in step")
        changes, seconds = browser.run("return [changes, result.currentTime - arguments[0]]", began[1])
        self.assertLess(changes, 10 + 5 * seconds, "a screen reader reads the same anew with every picture")
        self.press("Pause")
        wait_for(lambda: all(video["paused"] for video in self.videos()), 10, "both stand")
        self.press("Side by side")
        boxes = browser.run("return [original, result].map((one) => one.getBoundingClientRect().left)")
        self.assertLess(boxes[0] + 100, boxes[1], "they are not side by side")
        browser.save_to(self.folder)
        for which in ("original", "result"):
            browser.one(f"#save-{which}").click()
        for name in ("a call.mp4", "a call.tinted.mp4"):
            wait_for((self.folder / name).exists, 20, f"{name} is saved")
        browser.one("#compare").send_keys(Keys.ESCAPE)
        wait_for(lambda: not browser.run("return compare.open"), 5, "Escape closes it")
        self.assertEqual(browser.run("return document.activeElement.getAttribute('aria-label')"),
                         f"Compare {path} with its original", "the focus is not back")

    def test_cancelled_by_whoever_has_the_token(self):
        appliance, _ = self.worker_with_page()
        recording = appliance.record_slow("s/long.mp4", 60)
        appliance.send(recording, **clips.PLACEBO)
        self.sees("#now", "s/long.mp4")
        self.assertFalse(self.browser.button("Cancel s/long.mp4"), "without a token nothing can be changed")
        self.sees("#now", "In a terminal: vidriera cancel ")
        self.to_be_refused = [r"/login .*\b401\b"]
        self.press("Sign in")
        self.browser.one("#login input[name=token]").send_keys("not the token", Keys.ENTER)
        self.sees("#login-error", "token")
        self.assertEqual(self.browser.inaccessible(), [])
        self.press("Not now")
        self.sign_in()
        self.press("Cancel s/long.mp4")
        self.assertEqual(appliance.wait_event(recording)["status"], "cancelled")
        self.sees("#done", "s/long.mp4", "cancelled")
        self.press("Sign out")
        wait_for(lambda: self.browser.button("Sign in"), 10, "signed out")

    def assert_nothing_told(self, path):
        wait_for(lambda: path not in self.browser.run("return document.documentElement.outerHTML"), 20,
                 "the name of the recording is gone")
        self.assertFalse(self.browser.run("return compare.open"), "the recordings are still open")
        self.assertTrue(self.browser.button("Sign in"))
        self.assertFalse(self.browser.button("Sign out"))
        self.assertEqual(self.browser.driver.title, "vidriera")

    def end_session(self):
        """As when its time is over: the page is not asked."""
        cookies = self.browser.driver.get_cookies()
        self.assertTrue(cookies and all(cookie["httpOnly"] for cookie in cookies), cookies)
        line = http.client.HTTPConnection(self.origin.removeprefix("http://"), timeout=20)
        line.request("POST", "/logout", headers={
            "Origin": self.origin, "Cookie": "; ".join(f"{one['name']}={one['value']}" for one in cookies)})
        self.assertLess(line.getresponse().status, 300)
        line.close()

    def test_open_to_other_machines(self):
        """Who is not signed in is told nothing, and nothing is left for them on the screen."""
        self.to_be_refused = [r"/(api/jobs|media/\S*) .*\b401\b"]
        appliance, _ = self.worker_with_page(http_allowed_hosts="vidriera.test")
        recording = appliance.record("Mrs Smith/call.mp4")
        appliance.send(recording)
        appliance.wait_event(recording)
        wait_for(lambda: self.browser.run("return login.open"), 20, "it asks for the token by itself")
        self.assert_nothing_told("Smith")
        self.browser.one("#login input[name=token]").send_keys(TOKEN, Keys.ENTER)
        self.sees("#done", "Mrs Smith/call.mp4")
        self.press("Compare Mrs Smith/call.mp4 with its original")
        self.end_session()
        wait_for(lambda: self.browser.run("return login.open"), 20, "it asks for the token again")
        self.assert_nothing_told("Smith")
        self.press("Not now")
        self.sees("#signed-out", "Sign in to see the jobs.")
        self.assert_fit_for_all("signed-out")
        self.sign_in()
        self.sees("#done", "Mrs Smith/call.mp4")
        self.press("Sign out")
        self.assert_nothing_told("Smith")

    def next_event(self):
        """The card of the job that runs tells something new."""
        look = """const bar = document.querySelector("#now progress");
                  return bar ? document.querySelector("#now").innerText + bar.value : "";"""
        before = self.browser.run(look)
        wait_for(lambda: self.browser.run(look) not in ("", before), 20, "the job gets on")

    def test_buttons_stay_while_a_job_runs(self):
        """The focus stays over several events, on a card that changes and on one that does not; so does a press."""
        appliance, _ = self.worker_with_page()
        done, running = appliance.record("s/done.mp4"), appliance.record_slow("s/long.mp4", 60)
        appliance.send(done)
        self.sees("#done", "s/done.mp4", seconds=60)
        appliance.send(running, **clips.PLACEBO)
        self.sees("#now", "s/long.mp4", "%")
        self.sign_in()
        for button in ("#done button", "#now button"):
            wait_for(lambda button=button: self.browser.run(
                "held = document.querySelector(arguments[0]); held?.focus(); return document.activeElement === held",
                button), 20, f"{button} has the focus")
            for _ in range(3):
                self.next_event()
                self.assertTrue(self.browser.run("return document.activeElement === held"), f"{button} lost the focus")
        mouse = ActionChains(self.browser.driver)
        mouse.click_and_hold(self.browser.one("#now button")).perform()
        self.next_event()
        mouse.reset_actions()
        mouse.release().perform()
        self.assertEqual(appliance.wait_event(running)["status"], "cancelled")
        self.sees("#done", "s/long.mp4", "cancelled")

    def test_tried_again(self):
        """A job that failed says why and what to do; when that is done, a click is enough."""
        appliance, _ = self.worker_with_page()
        self.sender.send("vidriera.jobs", b'{"id":"late","input":{"path":"s/late.mp4"}}', b"late")
        self.sees("#failed", "s/late.mp4", "What to do:", "In a terminal: vidriera retry late")
        self.sign_in()
        self.assertNotIn("In a terminal", self.browser.text("#failed"))
        wait_for(lambda: self.browser.button("Try again: s/late.mp4"), 20, "it can be tried again")
        self.assert_fit_for_all("failed")
        late = appliance.record("s/late.mp4")
        self.press("Try again: s/late.mp4")
        self.sees("#done", "s/late.mp4", seconds=60)
        self.assertEqual(self.browser.text("#failed"), "")
        wait_for(appliance.path("archived", late.path).exists, 15, "the recording is archived")

    def test_the_broker_goes_and_comes_back(self):
        appliance, _ = self.worker_with_page()
        self.ready()
        self.broker.stop()
        self.sees("#notices", "The message broker (Kafka) does not answer", seconds=60)
        self.sees("#state", "not ready")
        self.browser.picture("broker-away")
        self.broker.start()
        self.ready()
        self.assertEqual(self.browser.text("#notices"), "")
        recording = appliance.record("s/after.mp4")
        appliance.send(recording)
        self.sees("#done", "s/after.mp4", seconds=60)

    def test_the_worker_goes_and_comes_back(self):
        appliance, worker = self.worker_with_page()
        recording = appliance.record("s/first.mp4")
        appliance.send(recording)
        self.sees("#done", "s/first.mp4", seconds=60)
        self.to_be_refused = [r"/(events|api/jobs|media)\S* .*net::ERR_"]
        self.browser.run("""sources = [];
            EventSource = class extends EventSource { constructor(url) { super(url); sources.push(this); } };""")
        worker.stop()
        self.sees("#notices", "vidriera has not answered since", "systemctl status vidriera")
        self.assertEqual(len(self.browser.all("#done li")), 1, "what was known is not shown any more")
        self.assert_fit_for_all("away")
        self.browser.run("""const whole = fetch; broken = 0;
            fetch = async (...what) => {
                const answer = await whole(...what);
                return broken++ ? answer : new Response((await answer.text()).slice(0, 20));
            };""")
        appliance.worker(http_listen=self.origin.removeprefix("http://"))
        self.ready()
        self.assertEqual(self.browser.text("#notices"), "")
        self.sees("#done", "s/first.mp4")
        self.assertGreater(self.browser.run("return broken"), 1, "no answer has broken off")
        self.browser.run("Feed.listen(); Feed.listen();")  # as when somebody signs in meanwhile
        wait_for(lambda: self.browser.run("return sources.length") > 1, 10, "it listens again")
        self.assertEqual(self.browser.run("return sources.filter((one) => one.readyState < 2).length"), 1)

    def test_a_line_dies_in_silence(self):
        """As when a laptop wakes up in another network: it is said, and all is asked anew."""
        _, worker = self.worker_with_page()
        self.ready()
        worker.signal(signal.SIGSTOP)
        self.sees("#state", "connection lost", seconds=2 * SILENCE)
        self.sees("#notices", "vidriera has not answered since")
        worker.signal(signal.SIGCONT)
        self.ready()
        self.assertEqual(self.browser.text("#notices"), "")

    def line_taken(self, stack):
        """One more listens to /events, until the stack ends; False: there are too many."""
        line = http.client.HTTPConnection(self.origin.removeprefix("http://"), timeout=20)
        line.request("GET", "/events")
        answer = line.getresponse()
        if answer.status != 200:
            line.close()
            return False
        stack.callback(line.close)
        stack.callback(answer.close)
        return True

    def test_more_pages_than_lines(self):
        """A page without a line of its own asks from time to time, and nothing is lost."""
        appliance, _ = self.worker_with_page()
        self.ready()
        self.browser.driver.get("about:blank")
        self.to_be_refused = [r"/events\S* .*\b503\b"]
        with contextlib.ExitStack() as stack:
            for _ in range(EVENT_LINES):
                wait_for(lambda: self.line_taken(stack), 20, "a line is free")
            self.browser.driver.get(self.origin + "/")
            self.browser.run("""told = [];
                new MutationObserver(() => told.push(state.textContent)).observe(state, {childList: true});""")
            appliance.send(appliance.record("s/one.mp4"))
            self.sees("#done", "s/one.mp4", seconds=60)
            looks = self.asked().count(self.origin + "/api/jobs")
            wait_for(lambda: self.asked().count(self.origin + "/api/jobs") > looks + 1, 30, "it asks again")
            self.assertFalse({"connection lost", "no answer"} & set(self.browser.run("return told")))
            self.assertEqual(self.browser.text("#notices"), "")

    def test_what_is_not_read_is_not_nothing(self):
        self.broker.stop()
        self.worker_with_page()
        for part in ("now", "waiting", "done"):
            self.sees(f"#{part}-none", "Not read yet.")
        self.broker.start()
        self.sees("#now-none", "Nothing runs.", seconds=60)
        self.sees("#waiting-none", "Nothing waits.")
        self.sees("#done-none", "Nothing is done yet.")
        self.browser.run("Feed.take({...arguments[0], needs: {queue: 'vidriera.results cannot be read'}})", self.look())
        self.sees("#notices", "Not all of the queue can be shown.", "vidriera.results cannot be read")

    def test_a_page_that_is_told_nothing_new(self):
        """Signs of life are enough for it: for longer than it would wait without them, it does not ask anew."""
        self.worker_with_page()
        self.ready()
        began = time.monotonic()
        self.browser.run("""told = [];
            new MutationObserver(() => told.push(state.textContent)).observe(state, {childList: true});""")
        asked = self.asked().count(self.origin + "/api/jobs")
        wait_for(lambda: time.monotonic() - began > SILENCE + 10, SILENCE + 30, "time goes by")
        self.assertEqual(self.browser.run("return told"), [])
        self.assertEqual(self.asked().count(self.origin + "/api/jobs"), asked)

    def test_what_is_read_out(self):
        """A worker that is stuck is told of once, not again with every second; lists are called lists in Safari too."""
        self.worker_with_page()
        self.ready()
        changes, told = self.browser.run("""const news = {...arguments[0], alive: false, ready: false};
            const watch = new MutationObserver(() => {});
            const stuck = (seconds) => {
                news.needs.loop = `the event loop has not come round for ${seconds} s; restart it and look at its log`;
                Feed.take(news);
            };
            stuck(121);
            watch.observe(notices, {childList: true, characterData: true, subtree: true});
            stuck(122);
            return [watch.takeRecords().length, notices.innerText];""", self.look())
        self.assertEqual(changes, 0)
        self.assertIn("has not come round; restart it", told)
        self.assertEqual(self.browser.run("""return [...document.querySelectorAll("main ul, main ol")]
                                             .map((one) => one.getAttribute("role"))"""), ["list"] * 4)

    def test_many_ends(self):
        """A page is not as long as the history; a button shows more of it, and hands the focus on."""
        appliance, _ = self.worker_with_page(http_token_file=None)
        self.sees("#no-token", "token_file")
        for number in range(60):
            order = f'{{"id":"gone-{number}","input":{{"path":"s/{number}.mp4"}}}}'
            self.sender.send("vidriera.jobs", order.encode(), f"{number}".encode())
        self.sees("#failed-count", "60", seconds=60)
        self.assertEqual(len(self.browser.all("#failed li")), 50)
        self.assert_fit_for_all("many")
        self.press("Show 10 of 10 more")
        self.assertEqual(len(self.browser.all("#failed li")), 60)
        self.assertTrue(self.browser.run("return document.activeElement === failed.children[50]"))
        self.assertFalse(self.browser.button("Show 10 of 10 more"))
        self.assertEqual(len(appliance.dead_letters()), 60)

    def test_without_media_no_names(self):
        appliance, _ = self.worker_with_page(media="no", process_device="cpu")
        recording = appliance.record("Mrs Smith/session.mp4")
        appliance.send(recording, id="job-1", session="Mrs Smith")
        self.sees("#done", "job job-1", seconds=60)
        self.sees("#done-hidden", "health data")
        self.sees("#device", "processor (cpu)", "It is the best one here, or the one that was set.")
        self.assertNotIn("Smith", self.browser.run("return document.documentElement.outerHTML"))
        self.assertFalse(self.browser.button("Compare"))


if __name__ == "__main__":
    main()
