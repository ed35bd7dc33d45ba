// SPDX-License-Identifier: GPL-3.0-or-later
// The jobs as the board tells them (GET /events). What is shown stays in place and changes where the news differ, so that
// the focus and a press on a button survive.
"use strict";

(() => {
    const at = (id) => document.getElementById(id);
    const perPage = 50, shownWaiting = 20; // more would only be scrolled past
    const shown = {failed: perPage, done: perPage};
    const jobs = new Map();
    const asked = new Map(); // job: what it was when somebody asked for a change
    const drawn = new WeakMap(); // item: what it was drawn from
    let board = {};

    const say = (words, bad) => {
        at("said").hidden = false;
        at("said").className = `notice ${bad ? "bad" : "good"}`;
        at("said").textContent = words;
    };

    // --- what people ask for

    const post = async (path, body) => {
        const answer = await fetch(path, {method: "POST", body, credentials: "same-origin"});
        if (answer.ok)
            return null;
        const document = await answer.json().catch(() => ({}));
        return document.error || `the answer was ${answer.status}`;
    };

    const stage = (job) => `${job.state} ${job.finished || ""}`;
    const isAsked = (job) => asked.get(job.job) === stage(job);

    const ask = async (job, what, done) => {
        const before = stage(job);
        if (isAsked(job))
            return;
        asked.set(job.job, before);
        drawLists();
        const wrong = await post(`/api/jobs/${encodeURIComponent(job.job)}/${what}`).catch(() => "vidriera does not answer");
        if (!isAsked(job))
            return; // it is not for whoever looks now
        say(wrong ? `${Item.name(job)}: ${wrong}` : `${Item.name(job)}: ${done}`, wrong !== null);
        const drop = () => {
            if (asked.get(job.job) === before)
                asked.delete(job.job);
            drawLists();
        };
        if (wrong)
            drop();
        else
            setTimeout(drop, 15000); // nobody heard of it: it may be asked again
    };

    const acts = {
        cancel: (job) => ask(job, "cancel", "is being cancelled"),
        retry: (job) => ask(job, "retry", "is tried again"),
        compare: (job) => Compare.open(job, Item.name(job)),
    };

    at("main").addEventListener("click", (event) => {
        const pressed = event.target.closest("[data-act]");
        const job = pressed && jobs.get(pressed.closest("li").dataset.job);
        if (job)
            acts[pressed.dataset.act](job);
    });

    // --- the lists

    const itemOf = (job, draw, old) => {
        const key = JSON.stringify([job.version, board.page, isAsked(job)]);
        if (old && drawn.get(old) === key)
            return old;
        const {change, media} = board.page || {};
        const fresh = draw(job, {change, media, asked: isAsked(job)});
        fresh.dataset.job = job.job;
        fresh.tabIndex = -1; // the focus goes here when the button that had it is gone
        if (old)
            Keep.merge(old, fresh);
        drawn.set(old || fresh, key);
        return old || fresh;
    };

    const fill = (list, chosen, draw) => {
        const there = new Map([...list.children].map((item) => [item.dataset.job, item]));
        Keep.order(list, chosen.map((job) => itemOf(job, draw, there.get(job.job))));
    };

    const latest = (a, b) => (b.finished || "").localeCompare(a.finished || "");
    const eldest = (a, b) => (a.queued || a.started || "").localeCompare(b.queued || b.started || "");

    const drawNone = (id, count, words) => {
        at(`${id}-none`).hidden = count > 0;
        at(`${id}-none`).textContent = board.read === false ? "Not read yet." : words;
    };

    // More of the ends than are shown: a button that shows the next ones.
    const drawMore = (id, count) => {
        at(`${id}-more`).hidden = count <= shown[id];
        at(`${id}-more`).textContent = `Show ${Math.min(perPage, count - shown[id])} of ${count - shown[id]} more`;
    };

    for (const id of ["failed", "done"])
        at(`${id}-more`).addEventListener("click", () => {
            const first = shown[id];
            shown[id] += perPage;
            drawLists();
            at(id).children[first]?.focus();
        });

    const drawLists = () => Keep.focus(() => {
        const all = [...jobs.values()];
        const of = (...states) => all.filter((job) => states.includes(job.state));
        const now = of("running", "retrying").sort(eldest);
        const bad = of("failed", "rejected").sort(latest);
        const good = of("completed", "cancelled").sort(latest);
        const queue = of("waiting").sort(eldest);
        const waits = Math.max(board.waiting || 0, queue.length);
        fill(at("now"), now, Item.running);
        fill(at("failed"), bad.slice(0, shown.failed), Item.failed);
        fill(at("waiting"), queue.slice(0, shownWaiting), Item.waiting);
        fill(at("done"), good.slice(0, shown.done), Item.done);
        Preview.watch(at("done"));
        drawMore("failed", bad.length);
        drawMore("done", good.length);
        drawNone("now", now.length, "Nothing runs.");
        drawNone("waiting", waits, "Nothing waits.");
        drawNone("done", good.length, "Nothing is done yet.");
        at("failed-section").hidden = bad.length === 0;
        at("waiting-more").hidden = waits <= shownWaiting;
        at("waiting-more").textContent = `and ${waits - Math.min(queue.length, shownWaiting)} more`;
        at("done-hidden").hidden = !board.page || board.page.media;
        for (const [id, list] of [["now", now], ["failed", bad], ["done", good]])
            at(`${id}-count`).textContent = list.length ? String(list.length) : "";
        at("waiting-count").textContent = waits ? String(waits) : "";
        document.title = now.length ? `vidriera: ${now.length} running` : bad.length ? `vidriera: ${bad.length} failed` : "vidriera";
    });

    const draw = () => {
        at("sign-in").hidden = !board.page || !board.page.token || board.page.change;
        at("sign-out").hidden = !board.page || !board.page.token || !board.page.change;
        at("no-token").hidden = !board.page || board.page.token;
        at("signed-out").hidden = true;
        at("queue").hidden = false;
        Process.show(board);
        drawLists();
    };

    Feed.take = (news) => {
        board = news;
        if (news.complete)
            jobs.clear();
        for (const job of news.jobs)
            if (job.state === "gone")
                jobs.delete(job.job);
            else
                jobs.set(job.job, job);
        draw();
    };

    // --- who looks, and whether anybody answers

    Feed.lost = (text, heard) => {
        Process.lost(text, heard);
        Preview.forget();
    };

    const login = () => {
        at("login-error").textContent = "";
        at("login-form").reset();
        if (!at("login").open)
            at("login").showModal();
    };

    // Nothing stays of what was told, seen or not.
    const forget = () => {
        board = {};
        jobs.clear();
        asked.clear();
        Compare.close();
        Preview.forget();
        Process.leave();
        drawLists();
        at("said").textContent = "";
        for (const id of ["said", "queue", "no-token", "sign-out"])
            at(id).hidden = true;
        for (const id of ["signed-out", "sign-in"])
            at(id).hidden = false;
    };

    Feed.refused = () => {
        forget();
        login();
    };

    at("sign-in").addEventListener("click", login);
    at("login-close").addEventListener("click", () => at("login").close());
    at("sign-out").addEventListener("click", async () => {
        forget();
        const wrong = await post("/logout").catch(() => "vidriera does not answer");
        if (wrong)
            say(`You are still signed in: ${wrong}`, true);
        Feed.listen();
    });
    at("login-form").addEventListener("submit", async (event) => {
        event.preventDefault();
        const field = at("login-form").elements.token;
        const wrong = await post("/login", new URLSearchParams({token: field.value})).catch(() => "vidriera does not answer");
        field.value = "";
        if (wrong) {
            at("login-error").textContent = wrong;
            field.focus();
            return;
        }
        at("login").close();
        Feed.listen();
    });
    Feed.listen();
})();
