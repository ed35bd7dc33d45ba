// SPDX-License-Identifier: GPL-3.0-or-later
// What is told of the process itself: its state, what keeps it from working, its device.
"use strict";

const Process = (() => {
    const at = (id) => document.getElementById(id);
    const {element} = Make;

    const words = {
        kafka: "The message broker (Kafka) does not answer. Everything is kept, and goes on by itself when it is back.",
        folders: "The folders cannot be used.",
        device: "The device cannot be used.",
        running: "It takes no new jobs.",
        loop: "It is stuck.",
    };

    const classes = {stuck: "bad", "not ready": "bad", starting: "", working: "busy", ready: "good"};

    const deviceWords = ({name: device, reason}) => {
        const works = `Works on: ${device === "cpu" ? "processor (cpu)" : device}.`;
        return reason ? `${works} A faster device is not used because ${reason}` : works;
    };

    const state = (text, className) => {
        if (at("state").textContent !== text) { // it is read out when it changes
            at("state").textContent = text;
            at("state").className = `pill ${className}`;
        }
    };

    const show = (board) => {
        const notices = [];
        const needs = Object.entries(board.needs || {}).filter(([, why]) => why);
        if (needs.some(([, why]) => why === "starting"))
            notices.push(element("p", "It is starting.", "notice"));
        for (const [need, why] of needs)
            if (why !== "starting") {
                const notice = element("p", undefined, "notice bad");
                notice.append(element("strong", words[need] || need), element("span", why));
                notices.push(notice);
            }
        const same = at("notices").textContent === notices.map((notice) => notice.textContent).join("");
        if (!same)
            at("notices").replaceChildren(...notices);
        const starts = needs.length > 0 && needs.every(([, why]) => why === "starting");
        const text = !board.alive ? "stuck" : starts ? "starting" : !board.ready ? "not ready" : board.working ? "working" : "ready";
        state(text, classes[text]);
        at("who").textContent = [board.kind, board.worker, board.program].filter(Boolean).join(" · ");
        const device = board.device;
        at("device").textContent = device ? deviceWords(device)
            : board.kind === "watch" ? "This program only watches folders." : "Not known yet.";
    };

    return {show, lost: (text) => state(text, "bad")};
})();
