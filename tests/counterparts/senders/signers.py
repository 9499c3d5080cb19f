# signers.py URL SECRET: posts events that standardwebhooks and svix have signed.
# Prints what each case is answered with.
import datetime, json, sys, urllib.error, urllib.request
import standardwebhooks, svix

url, secret = sys.argv[1:]
other = "whsec_" + "b3RoZXIgc2VjcmV0IG9mIDMyIGJ5dGVzIG9yIG1vcmU="


def post(case, headers, body):
    request = urllib.request.Request(url, body.encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            print(json.dumps([case, answer.status, json.load(answer)["stored"]]))
    except urllib.error.HTTPError as error:
        print(json.dumps([case, error.code, error.read().decode().strip()]))


def head(name, at, *signatures):
    return {"webhook-id": name, "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures), "content-type": "application/json"}


now = datetime.datetime.now(tz=datetime.timezone.utc)
minutes = lambda n: datetime.timedelta(minutes=n)
for library in (standardwebhooks, svix):
    name = library.__name__
    sign = library.Webhook(secret).sign
    foreign = library.Webhook(other).sign
    id_ = "msg_" + name
    body = json.dumps({"conversationId": "python-" + name, "note": "ünïcødé \u2028"}, ensure_ascii=False)
    post(name + " good", head(id_, now, sign(id_, now, body)), body)
    post(name + " again", head(id_, now, sign(id_, now, body)), body)
    post(name + " rotated", head(id_ + "_2", now, foreign(id_ + "_2", now, body), sign(id_ + "_2", now, body)), body)
    post(name + " foreign", head(id_, now, foreign(id_, now, body)), body)
    post(name + " other body", head(id_, now, sign(id_, now, body)), body + " ")
    post(name + " other id", head(id_ + "x", now, sign(id_, now, body)), body)
    for case, at in (("late", now - minutes(4)), ("early", now + minutes(4)),
                     ("stale", now - minutes(6)), ("ahead", now + minutes(6))):
        id_ = "msg_" + name + case
        post(name + " " + case, head(id_, at, sign(id_, at, body)), body)
