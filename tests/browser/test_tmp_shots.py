"""Throw-away."""
from datetime import timedelta
import io, uuid
from django.utils import timezone
from PIL import Image
from liveblog.models import Role, Attachment
from tests.browser.test_desk_stream import desks, shown, nudge, write
import pytest
from axe_playwright_python.sync_playwright import Axe

@pytest.mark.parametrize("width,scheme", [(390,"light"),(1280,"dark"),(320,"light")])
def test_shots(desks, live_site, width, scheme):
    event = live_site.event("Harbour bridge: the night of the vote", author=live_site.user("ada", first_name="Ada"))
    out = f"/tmp/h-stream-shots/{width}-{scheme}-"
    def fill():
        ada = event.authors.get()
        im = io.BytesIO(); Image.linear_gradient("L").resize((900,600)).convert("RGB").save(im,"JPEG"); im.seek(0)
        im2 = io.BytesIO(); Image.radial_gradient("L").resize((600,600)).convert("RGB").save(im2,"JPEG"); im2.seek(0)
        from django.conf import settings
        settings.MEDIA_ROOT = live_site.data_dir/"media"
        a=event.add_photo(uploader=ada,key=uuid.uuid4(),file=im); b=event.add_photo(uploader=ada,key=uuid.uuid4(),file=im2)
        event.publish(author=ada, headline="Doors open at the town hall", body="A first crowd of about **two hundred** waits in the rain. The mayor has not arrived yet, and nobody can say when she will.")
        event.publish(author=ada, body="The ferry company says it will *not* run after midnight.\n\n> We cannot staff a night service on this notice.\n\nIts spokesman spoke to reporters on the quay.")
        event.publish(author=ada, headline="The cranes stand still", body="Work on the north pier has stopped.", photos=[Attachment(a.key,"Cranes at dusk over the north pier"),Attachment(b.key,"A lamp")])
        event.publish(author=ada, headline="A rumour we should not have run", body="Gone.")
        event.publish(author=ada, headline="Council votes 31 to 20 for the bridge", body="The motion passes after four hours of debate.", is_key=True)
        event.updates.update(posted_at=timezone.now()-timedelta(minutes=40))
        u=event.updates.get(number=1); u.edit(body=u.body.replace("two hundred","three hundred"), correction="We first wrote of two hundred people.", editor=ada)
        u=event.updates.get(number=1); u.edit(headline="The doors open at the town hall", editor=ada)
        event.updates.get(number=4).withdraw()
        event.pin(update=event.updates.get(number=5))
    live_site.do(fill)
    page = desks("bo", event, role=Role.OWNER, viewport={"width":width,"height":844 if width<600 else 800}, color_scheme=scheme, reduced_motion="reduce")
    def shot(name, full=True):
        page.wait_for_timeout(300)
        page.screenshot(path=out+name+".png", full_page=full)
        found = Axe().run(page)
        if found.violations_count: print("AXE", name, found.generate_report())
        w = page.evaluate("document.documentElement.scrollWidth")
        if w > width: print("WIDE", name, w, page.evaluate("[...document.querySelectorAll('body *')].filter(e=>e.getBoundingClientRect().right>innerWidth).map(e=>e.tagName+'.'+e.className+'#'+e.id+' '+e.getBoundingClientRect().right).slice(0,8)"))
        small = page.evaluate("""() => [...document.querySelectorAll('.desk-stream :is(button,a,input,summary),.purge :is(a,button,input),.versions :is(a,button,label),.versions .button')].filter(e=>!e.closest('article')&&!e.closest('.visually-hidden')&&e.type!='hidden'&&e.type!='radio'&&!e.classList.contains('visually-hidden')).map(e=>[e.outerHTML.slice(0,80),e.getBoundingClientRect()]).filter(([h,r])=>r.width&&(r.height<44||r.width<44)).map(([h,r])=>h+' '+r.width+'x'+r.height)""")
        if small: print("SMALL", name, small[:4])
    page.click("#more-3"); shot("1-stream"); page.click("#more-3")
    page.click("#withdraw-2"); page.wait_for_selector(".undo"); shot("2-undo")
    page.click("#restore-2"); page.wait_for_selector("#edit-2")
    page.click("#edit-3"); page.wait_for_selector("#item-3 form.editor"); shot("3-edit")
    page.click("#item-3 [data-cancel]")
    page.click("#edit-1"); page.wait_for_selector("#item-1 form.editor")
    page.fill("#item-1 [name=body]", "A crowd of about **four hundred** waits in the rain, and sings.")
    live_site.do(lambda: event.updates.get(number=1).edit(body="A crowd of some **350** waits in the rain. The mayor has arrived.", editor=event.authors.order_by("pk").first()))
    nudge(page); page.wait_for_selector(".meanwhile"); shot("4-meanwhile")
    page.click("#item-1 .post"); page.wait_for_selector(".clash"); shot("5-conflict")
    page.click("#item-1 [data-cancel]")
    page.goto(page.url.split("#")[0]+"updates/1/versions/?from=1&to=4"); shot("6-versions")
    page.goto(page.url.split("updates/")[0]+"updates/3/purge/"); page.click(".purge .post"); shot("7-purge")
