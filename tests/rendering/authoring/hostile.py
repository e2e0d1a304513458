"""Messages written to swallow, cover, clip or blank the unsubscribe block (E3, F3): data for two test files."""

from __future__ import annotations

from tests.rendering.authoring.world import in_text, mjml

_OVERLAY = "position:fixed;top:0;left:0;width:100%;height:100%;background:#fff;z-index:2147483647"


def _styled(css: str) -> str:
    return mjml("<mj-section><mj-column><mj-text>Words</mj-text></mj-column></mj-section>",
                f"<mj-style>{css}</mj-style>")  # fmt: skip


def _boxes(css: str, *, body: str = "") -> str:
    """Forty boxes of no height that `css` may pull at by the class `x`; `body` is the class of the box around."""
    boxes = "<mj-raw>" + "<div class='x' style='border-top:1px solid'>w</div>" * 40 + "</mj-raw>"
    return (f"<mjml><mj-head><mj-style>{css}</mj-style></mj-head><mj-body css-class='{body}'>"
            f"<mj-section css-class='x'><mj-column><mj-text>W</mj-text></mj-column></mj-section>{boxes}"
            "</mj-body></mjml>")  # fmt: skip


#: Name -> (kind, source). Each is refused with a place, or its block is seen all the same.
CORPUS: dict[str, tuple[str, str]] = {
    "unclosed comment": ("markdown", "Words\n\n<!-- the end\n\nmore"),
    "unclosed comment in mj-text": ("mjml", in_text("Words <!-- the end")),
    "abrupt comment": ("markdown", "Words <!--> more\n\n<!---> and\n\n<!-- x --!> y"),
    "open outlook comment": ("markdown", "Words\n\n<!--[if mso]>\n\nmore"),
    "outlook comment without endif": ("markdown", "Words\n\n<!--[if mso]> more -->\n\nand"),
    "revealed comment not closed": ("markdown", "Words\n\n<!--[if !mso]><!-->\n\nmore"),
    "outlook div not closed": ("markdown", "<!--[if mso]><div style='display:none'><![endif]-->\n\nWords"),
    "outlook table not closed": ("mjml", mjml(
        "<mj-raw><!--[if mso]><table><tr><td style='mso-hide:all'><![endif]--></mj-raw>"
        "<mj-section><mj-column><mj-text>Words</mj-text></mj-column></mj-section>")),
    "unclosed style": ("markdown", "Words\n\n<style>\nbody{color:red}\n\nmore"),
    "unclosed style in mj-text": ("mjml", in_text("Words <style>a{")),
    "textarea": ("markdown", "Words\n\n<textarea>\n\nmore"),
    "title in the body": ("markdown", "Words\n\n<title>\n\nmore"),
    "plaintext": ("markdown", "Words\n\n<plaintext>\n\nmore"),
    "xmp": ("markdown", "Words\n\n<xmp>\n\nmore"),
    "noscript": ("markdown", "Words\n\n<noscript>\n\nmore"),
    "noembed": ("markdown", "Words <noembed> more"),
    "frameset": ("markdown", "<frameset><frame src='https://evil.example/'></frameset>"),
    "iframe": ("markdown", "Words\n\n<iframe src='https://evil.example/'>\n\nmore"),
    "template": ("markdown", "Words\n\n<template>\n\nmore"),
    "select": ("markdown", "Words\n\n<select><option>\n\nmore"),
    "svg": ("markdown", "Words <svg><style><!-- </style><foreignObject> more"),
    "math": ("markdown", "Words <math><mtext><table><mglyph><style><!-- "),
    "details closed": ("markdown", "<details><summary>x</summary>\n\nWords"),
    "dialog": ("markdown", "<dialog open>Words</dialog>"),
    "object": ("markdown", "<object data='https://evil.example/x'>Words"),
    "script": ("markdown", "<script>document.body.innerHTML=''</script>"),
    "event handler": ("markdown", "<p onmouseover='document.body.remove()'>Words</p>"),
    "image handler": ("markdown", "<img src=x onerror='document.body.remove()'>"),
    "base": ("markdown", "<base href='https://evil.example/'>\n\nWords"),
    "meta refresh": ("markdown", "<meta http-equiv=refresh content='0;https://evil.example/'>\n\nWords"),
    "link style sheet": ("markdown", "<link rel=stylesheet href='https://evil.example/x.css'>\n\nWords"),
    "unclosed attribute": ("markdown", "Words <a href='https://shop.example/\n\nmore"),
    "second body end": ("markdown", "Words </div></td></tr></table></body></html> more"),
    "second body": ("markdown", "Words <body style='display:none'> more"),
    "second html": ("markdown", "Words <html hidden> more"),
    "hidden attribute": ("markdown", "<div hidden>\n\nWords"),
    "unclosed hidden div": ("markdown", "<div style='display:none'>\n\nWords"),
    "unclosed table": ("markdown", "<table><tr><td>\n\nWords"),
    "unclosed small box": ("markdown", "<div style='height:1px;overflow:hidden'>\n\nWords"),
    "fixed cover": ("markdown", f"<div style='{_OVERLAY}'>Words</div>"),
    "absolute cover": ("markdown", "<div style='position:absolute;top:0;height:9999px;width:100%'>Words</div>"),
    "sticky cover": ("markdown", "<div style='position: sticky;bottom:0;height:100vh'>Words</div>"),
    "relative cover": ("markdown", "<div style='position:relative;top:300px;height:400px;background:#fff'>W</div>"),
    "escaped position": ("markdown", "<div style='posi\\74ion:fixed;top:0'>Words</div>"),
    "comment in position": ("markdown", "<div style='position:/**/fixed'>Words</div>"),
    "moved cover": ("markdown", "<div style='transform:translateY(400px);height:600px;background:#fff'>Words</div>"),
    "negative margin": ("markdown", "<div style='height:600px;margin-bottom:-600px;background:#fff'>Words</div>"),
    "overflowing box": ("markdown", "<div style='height:0'><div style='height:900px;background:#fff'>W</div></div>"),
    "very tall box": ("markdown", "<div style='height:9000000px'>Words</div>"),
    "floating cover": ("markdown", "<div style='float:left;width:100%;height:500px;margin-bottom:-500px'>W</div>"),
    "links hidden": ("mjml", _styled("a{display:none!important}")),
    "links invisible": ("mjml", _styled("a{visibility:hidden}")),
    "links transparent": ("mjml", _styled("a{color:transparent!important}")),
    "links white": ("mjml", _styled("a,p,div{color:#262b33!important;background:#262b33!important}")),
    "links not links": ("mjml", _styled("a{pointer-events:none!important;text-decoration:none!important}")),
    "everything tiny": ("mjml", _styled("*{font-size:1px!important;line-height:0!important}")),
    "everything hidden": ("mjml", _styled("*{display:none!important}")),
    "everything faint": ("mjml", _styled("body *{opacity:.01!important}")),
    "last child hidden": ("mjml", _styled("body > div:last-child{display:none!important}")),
    "role hidden": ("mjml", _styled("[role=contentinfo]{display:none!important}")),
    "class part hidden": ("mjml", _styled("[class^=mail]{display:none!important}")),
    "class hidden": ("mjml", _styled(".mailer-way-out{display:none!important}")),
    "escaped class hidden": ("mjml", _styled(".\\6d ailer-way-out{display:none!important}")),
    "body hidden": ("mjml", _styled("body{display:none!important}")),
    "body clipped": ("mjml", _styled("body{height:100px!important;overflow:hidden!important}")),
    "body small": ("mjml", _styled("html,body{max-height:300px!important;overflow:clip!important}")),
    "root faint": ("mjml", _styled(":root{opacity:0!important}")),
    "where hidden": ("mjml", _styled(":where(a, div, p){visibility:hidden!important}")),
    "is hidden": ("mjml", _styled(":is(.x, p, a){display:none!important}")),
    "not hidden": ("mjml", _styled("div:not(.page):not(.mj){display:none!important}")),
    "has hidden": ("mjml", _styled("div:has(> p > a){display:none!important}")),
    "media hidden": ("mjml", _styled("@media all{a{display:none!important}}")),
    "media dark hidden": ("mjml", _styled("@media (prefers-color-scheme:dark){p,a{opacity:0!important}}")),
    "media nested": ("mjml", _styled("@media all{@media screen{@supports (color:red){p{display:none}}}}")),
    "layer hidden": ("mjml", _styled("@layer x{a{display:none!important}}")),
    "nested rules": ("mjml", _styled("body{& a{display:none!important}}")),
    "scope hidden": ("mjml", _styled("@scope (body){:scope > div{display:none!important}}")),
    "container hidden": ("mjml", _styled("@container (width>1px){a{display:none!important}}")),
    "starting style": ("mjml", _styled("@starting-style{a{opacity:0}} a{transition:opacity 9999s}")),
    "animation": ("mjml", _styled("@keyframes x{to{opacity:0}} a,p{animation:x 1ms forwards}")),
    "generated cover": ("mjml", _styled(f"body::after{{content:'';{_OVERLAY}}}")),
    "generated cover of p": ("mjml", _styled("p::before{content:'XXXXXXXXXXXXXXX';font-size:300px}")),
    "clip": ("mjml", _styled("div{clip-path:inset(50%)!important}")),
    "filter": ("mjml", _styled("html{filter:opacity(0)!important}")),
    "blend": ("mjml", _styled("div{mix-blend-mode:difference;background:#fff}")),
    "zoom": ("mjml", _styled("body{zoom:.01}")),
    "content visibility": ("mjml", _styled("body{content-visibility:hidden}")),
    "import": ("mjml", _styled("@import url(https://evil.example/x.css);")),
    "css comment": ("mjml", _styled("/* a{} */ p/**/{display:/**/none/**/!important}")),
    "unclosed css comment": ("mjml", _styled("p{color:red} /* ")),
    "unclosed css block": ("mjml", _styled("@media all { p{color:red} a{display:none")),
    "style ends early": ("mjml", _styled("p{color:red}</style><plaintext>")),
    "huge style": ("mjml", _styled(".x{color:red}" * 20000)),
    "css in an attribute": ("mjml", mjml(
        "<mj-section background-color='#fff;position:fixed;top:0;z-index:9;height:100vh'><mj-column>"
        "<mj-text>Words</mj-text></mj-column></mj-section>")),
    "css in a font": ("mjml", mjml(
        "<mj-section><mj-column><mj-text font-family='x;position:fixed;inset:0;background:red'>W</mj-text>"
        "</mj-column></mj-section>")),
    "css in an address": ("mjml", mjml(
        "<mj-section background-url=\"https://news.shop.example/x.png');position:fixed;inset:0;a:url('\">"
        "<mj-column><mj-text>Words</mj-text></mj-column></mj-section>")),
    "class of the block": ("markdown", "<div class='mailer-way-out'>Unsubscribe? Never.</div>"),
    "class of the block in mjml": ("mjml", mjml(
        "<mj-section css-class='mailer-way-out'><mj-column><mj-text>W</mj-text></mj-column></mj-section>")),
    "raw table opened": ("mjml", mjml(
        "<mj-raw><table style='display:none'><tr><td></mj-raw>"
        "<mj-section><mj-column><mj-text>Words</mj-text></mj-column></mj-section>")),
    "raw end tags": ("mjml", mjml(
        "<mj-raw></div></div></body></html></mj-raw>"
        "<mj-section><mj-column><mj-text>Words</mj-text></mj-column></mj-section>")),
    "raw in a wrapper": ("mjml", mjml(
        "<mj-wrapper><mj-raw><div style='display:none'></mj-raw>"
        "<mj-section><mj-column><mj-text>Words</mj-text></mj-column></mj-section></mj-wrapper>")),
    "deep nesting": ("markdown", "<div>" * 3000 + "Words"),
    "javascript link": ("markdown", "[x](https://shop.example/) <a href=' java&#9;script:alert(1)'>x</a>"),
    "data image": ("markdown", "<img src='data:image/svg+xml,<svg onload=alert(1)>' alt=''>"),
    "background attribute": ("markdown", "<table background='https://evil.example/x.png'><tr><td>W</td></tr></table>"),
    "contained": ("mjml", _styled("html,body{contain:strict;min-height:100px}")),
    "letters on one spot": ("mjml", _styled("p,a{letter-spacing:-20px!important}")),
    "letters on one spot by inheritance": ("mjml", _styled("body{letter-spacing:-20px}")),
    "words on one spot": ("mjml", _styled("p,a{word-spacing:-90px!important}")),
    "letters as dots": ("mjml", _styled("*{-webkit-text-security:disc!important}")),
    "letters filled": ("mjml", _styled("*{-webkit-text-fill-color:#262b33!important}")),
    "letters stroked": ("mjml", _styled("p,a{-webkit-text-stroke:20px #262b33!important}")),
    "outline over the link": ("mjml", _styled("a{outline:60px solid #262b33;outline-offset:-60px}")),
    "first line": ("mjml", _styled("a::first-line{color:#262b33} p:first-line{font-size:calc(0px)}")),
    "after the link": ("mjml", _styled(
        'a::after{content:"";display:block;position:relative;padding:20px 300px;margin-top:-50px;background:#262b33}')),
    "fonts redefined": ("mjml", _styled("".join(
        f"@font-face{{font-family:{name};src:local('DejaVu Sans'),local('Liberation Sans');size-adjust:0%}}"
        for name in ("'Segoe UI'", "Roboto", "Helvetica", "Arial")))),
    "font size adjusted": ("mjml", _styled("*{font-size-adjust:0!important}")),
    "text size adjusted": ("mjml", _styled("p{-webkit-text-size-adjust:1%}")),
    "symbols": ("mjml", _styled("p,a{font-family:Webdings!important}")),
    "lines on one spot": ("mjml", _styled("p,a{line-height:.01!important}")),
    "columns": ("mjml", _styled("body{columns:100}")),
    "pushed aside": ("mjml", _styled("body{padding-left:4900px}")),
    "pushed aside by a border": ("mjml", _styled("html{border-left:4900px solid #fff}")),
    "pulled aside": ("mjml", _styled("body{margin-left:calc(0px - 3000px)}")),
    "pulled up": ("mjml", _styled("body{margin-top:-9e2px}")),
    "indented away": ("mjml", _styled("p{text-indent:calc(0px - 3000px)}")),
    "too wide": ("mjml", _styled("p{min-width:4999px!important}")),
    "inert": ("mjml", _styled("*{interactivity:inert}")),
    "backwards": ("mjml", _styled("p,a{unicode-bidi:bidi-override!important;direction:rtl!important}")),
    "pulled up by many margins": ("mjml", _boxes(".x{margin-bottom:-60px!important}")),
    "pulled up through an open box": ("mjml", _boxes(".x{margin:-60px 0!important} .y{display:contents!important}",
                                                     body="y")),
    "pulled up through an inline box": ("mjml", _boxes(".x{margin:-60px 0!important} .y{display:inline!important}",
                                                       body="y")),
    "pulled up by a calculation": ("mjml", _boxes(".x{margin-bottom:calc(0px - 900px)!important}")),
    "pulled up by a variable": ("mjml", _boxes(".x{--q:-900px;margin-bottom:var(--q)!important}")),
    "pulled up in other units": ("mjml", _boxes(".x{margin-bottom:-90lh!important;-webkit-margin-after:-9rlh}")),
    "right to left override": ("markdown", "Words \u202e more"),
    "bidi style": ("mjml", _styled("html{direction:rtl;writing-mode:vertical-rl}")),
}  # fmt: skip
