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
        queue: "Not all of the queue can be shown.",
        loop: "It is stuck.",
    };

    const classes = {stuck: "bad", "not ready": "bad", starting: "", working: "busy", ready: "good"};

    const deviceWords = ({name, reason}) => {
        const works = `Works on: ${name === "cpu" ? "processor (cpu)" : name}. `;
        if (!reason)
            return [element("span", `${works}It is the best one here, or the one that was set.`)];
        return [element("span", `${works}A faster one is not used: ${reason}. `), element("code", "vidriera doctor"),
            element("span", " tells what mends it.")];
    };

    // How long it is stuck grows with every look; that it is would be read out each time.
    const steady = (need, why) => need === "loop" ? why.replace(/ for \d+ s\b/, "") : why;

    const bad = (what, why) => {
        const notice = element("p", undefined, "notice bad");
        notice.append(element("strong", what), element("span", why));
        return notice;
    };

    // What is there is changed only when it says something else: it is read out then, or somebody is reading it.

    const put = (id, nodes) => {
        if (at(id).textContent !== nodes.map((node) => node.textContent).join(""))
            at(id).replaceChildren(...nodes);
    };

    const state = (text, className) => {
        if (at("state").textContent !== text) {
            at("state").textContent = text;
            at("state").className = `pill ${className}`;
        }
    };

    const show = (board) => {
        const needs = Object.entries(board.needs || {}).filter(([, why]) => why);
        known = needs.filter(([, why]) => why !== "starting")
            .map(([need, why]) => bad(words[need] || need, steady(need, why)));
        if (needs.length > known.length)
            known.unshift(element("p", "It is starting.", "notice"));
        put("notices", known);
        const starts = needs.length > 0 && needs.every(([, why]) => why === "starting");
        const text = !board.alive ? "stuck" : starts ? "starting" : !board.ready ? "not ready" : board.working ? "working" : "ready";
        state(text, classes[text]);
        at("who").textContent = [board.kind, board.worker, board.program].filter(Boolean).join(" · ");
        put("device", board.device ? deviceWords(board.device)
            : [element("span", board.kind === "watch" ? "This program only watches folders." : "Not known yet.")]);
    };

    // heard: the last sign of life; null: there was none.
    const lost = (text, heard) => {
        state(text, "bad");
        const since = heard ? ` since ${moment(heard)}` : "", below = heard ? "What is shown was true then. " : "";
        put("notices", [bad(`vidriera has not answered${since}: ${text}.`, `${below}It is asked again by itself. ` +
            "If this stays, see on its machine: systemctl status vidriera, or the container's log."), ...known]);
    };

    const leave = () => {
        state("signed out", "bad");
        put("notices", known = []);
        put("device", []);
        at("who").textContent = "";
    };

    return {show, lost, leave};
})();
