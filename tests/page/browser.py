# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Chromium, without a screen: what the page does is asked of a real browser.

VD_SCREENSHOTS: a folder for pictures of the page; without it they go to build/page.
"""
import json
import os
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

ROOT = Path(__file__).resolve().parents[2]
PICTURES = Path(os.environ.get("VD_SCREENSHOTS", ROOT / "build/page"))
AXE = ROOT / "build/axe/axe.min.js"  # ./dev axe

_OPTIONS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
            "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--lang=en-GB"]


class Browser:
    """One window. Everything that it asks the network for is known."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for option in _OPTIONS:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_script_timeout(60)

    def close(self):
        self.driver.quit()

    def look_like(self, width, scheme, height=1100):
        """The window's width in CSS pixels, and what the user's system prefers: light or dark."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def save_to(self, folder):
        """Where what the user saves goes."""
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})

    def picture(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(PICTURES / f"{name}.png"))

    def whole_picture(self, name, width):
        """Of all of the page, as long as it is."""
        self.look_like(width, "light")
        self.look_like(width, "light", self.run("return Math.ceil(document.body.getBoundingClientRect().height)"))
        self.picture(name)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def one(self, selector):
        """The element, or None."""
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found[0] if found else None

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector="body"):
        """What a person can read there now; empty when it is gone or drawn anew meanwhile."""
        return self.run("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", selector)

    def button(self, label):
        """Is a button seen with this text or name?"""
        return self._at_button(label, "")

    def press(self, label):
        """In one step, as the page may be drawn anew at any time. Is there such a button?"""
        return self._at_button(label, "one.focus(); one.click();")

    def _at_button(self, label, act):
        return self.run("""const one = [...document.querySelectorAll("button")].find((one) => one.checkVisibility() &&
                           (one.innerText === arguments[0] || one.getAttribute("aria-label") === arguments[0]));
                           if (one) { """ + act + """ } return Boolean(one);""", label)

    def overflows(self):
        """By how many pixels the page is wider than its window."""
        return self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def inaccessible(self):
        """What axe finds that is serious or critical, as texts."""
        self.run(AXE.read_text())
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")
        return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]
                if one["impact"] in ("serious", "critical")]

    def requests(self):
        """Every URL that was asked for since this was asked last."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]

    def complaints(self):
        """What the browser holds against the page since this was asked last: errors of scripts, refusals by its
        policy, answers that are none."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
