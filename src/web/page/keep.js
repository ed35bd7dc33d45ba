// SPDX-License-Identifier: GPL-3.0-or-later
// Changes what is shown in place: what stays is not taken out, so that it keeps the focus and a press.
"use strict";

const Keep = (() => {
    const dropped = (node) => {
        const next = node.nextSibling;
        node.remove();
        return next;
    };

    const kind = (node) => node.nodeType === Node.TEXT_NODE ? "text"
        : `${node.nodeName} ${node.className} ${node.dataset.act || ""}`;

    // Makes old what fresh is, with as few changes as it takes.
    const merge = (old, fresh) => {
        if (old.isEqualNode(fresh))
            return;
        if (old.nodeType === Node.TEXT_NODE) {
            old.data = fresh.data;
            return;
        }
        for (const {name: attribute} of [...old.attributes])
            if (!fresh.hasAttribute(attribute))
                old.removeAttribute(attribute);
        for (const {name: attribute, value} of fresh.attributes)
            if (old.getAttribute(attribute) !== value)
                old.setAttribute(attribute, value);
        let next = old.firstChild;
        for (const child of [...fresh.childNodes]) {
            let same = next;
            while (same && kind(same) !== kind(child))
                same = same.nextSibling;
            if (!same) {
                old.insertBefore(child, next);
                continue;
            }
            while (next !== same)
                next = dropped(next);
            merge(same, child);
            next = same.nextSibling;
        }
        while (next)
            next = dropped(next);
    };

    // The items of the list are these, in this order.
    const order = (list, items) => {
        for (const item of [...list.children])
            if (!items.includes(item))
                item.remove();
        let next = list.firstElementChild;
        for (const item of items)
            if (item === next)
                next = item.nextElementSibling;
            else
                list.insertBefore(item, next);
    };

    // A job that goes to another list takes the focus with it.
    const focus = (change) => {
        const focused = document.activeElement;
        const item = focused && focused.closest("#main li");
        change();
        if (!item || document.activeElement === focused)
            return;
        const now = document.querySelector(`#main li[data-job="${CSS.escape(item.dataset.job)}"]`);
        const act = focused.dataset.act;
        const heir = focused.isConnected ? focused : now && act && now.querySelector(`button[data-act="${act}"]`) || now;
        if (heir)
            heir.focus({preventScroll: true});
    };

    return {merge, order, focus};
})();
