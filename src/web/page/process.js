// SPDX-License-Identifier: GPL-3.0-or-later
// What is told of the process itself: its state, what keeps it from working, its device.
"use strict";

const Process = (() => {
    const at = (id) => document.getElementById(id);
    const {element, moment} = Make;
    let known = []; // the notices that it gave

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

    const bad = (what, why) => {
        const notice = element("p", undefined, "notice bad");
        notice.append(element("strong", what), element("span", why));
        return notice;
    };

    // Both are read out when they change, and only then.

    const notify = (notices) => {
        if (at("notices").textContent !== notices.map((notice) => notice.textContent).join(""))
            at("notices").replaceChildren(...notices);
    };

    const state = (text, className) => {
        if (at("state").textContent !== text) {
            at("state").textContent = text;
            at("state").className = `pill ${className}`;
        }
    };

    const show = (board) => {
        const needs = Object.entries(board.needs || {}).filter(([, why]) => why);
        known = needs.filter(([, why]) => why !== "starting").map(([need, why]) => bad(words[need] || need, why));
        if (needs.length > known.length)
            known.unshift(element("p", "It is starting.", "notice"));
        notify(known);
        const starts = needs.length > 0 && needs.every(([, why]) => why === "starting");
        const text = !board.alive ? "stuck" : starts ? "starting" : !board.ready ? "not ready" : board.working ? "working" : "ready";
        state(text, classes[text]);
        at("who").textContent = [board.kind, board.worker, board.program].filter(Boolean).join(" · ");
        const device = board.device;
        at("device").textContent = device ? deviceWords(device)
            : board.kind === "watch" ? "This program only watches folders." : "Not known yet.";
    };

    // heard: the last sign of life; null: there was none.
    const lost = (text, heard) => {
        state(text, "bad");
        const [since, below] = heard ? [` since ${moment(heard)}`, " What is shown was true then."] : ["", ""];
        notify([bad(`vidriera has not answered${since}: ${text}.`, "It is asked again by itself. If this stays, see on its " +
                    `machine: systemctl status vidriera, or the container's log.${below}`), ...known]);
    };

    const leave = () => {
        state("signed out", "bad");
        notify(known = []);
        at("who").textContent = at("device").textContent = "";
    };

    return {show, lost, leave};
})();
