"""The `sd-jwt` package of PyPI against yufu, both ways: it verifies a card of the service with its key binding, and
`yufu verify` judges what it issues and presents under a certificate authority made by `cryptography`.

Run through tests/interop/with-server. The way to the card is written against OpenID4VCI 1.0 with nothing but urllib.
"""

import base64
import datetime
import functools
import json
import os
import secrets
import subprocess
import time
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

URL = os.environ["YUFU_URL"]
TOKEN = os.environ["YUFU_TOKEN"].strip()
BIN = os.environ["YUFU_BIN"]
WORK = Path(os.environ["YUFU_WORK"])
KEYS = Path(os.environ["YUFU_KEYS"])
AUDIENCE = "https://gate.example/guiyang/7"
PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


def call(path, body=None, form=None, token=None):
    headers = {"Accept": "application/json"}
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    if form is not None:
        data, headers["Content-Type"] = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(URL + path, data=data, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def check_character(seventeen):
    """GB 11643-1999: the character that makes the weighted sum 1 modulo 11."""
    total = sum(int(digit) * (2 ** (17 - at) % 11) for at, digit in enumerate(seventeen))
    return "10X98765432"[total % 11]


@functools.cache
def the_person():
    """Registers nobody (made-up data), once: an ID number is in the register once."""
    start = "52010219851123" + "013"
    person = {
        "id_number": start + check_character(start), "family_name": "周", "given_name": "明远", "latin_family_name": "ZHOU",
        "latin_given_name": "MINGYUAN", "sex": "male", "ethnicity": "汉", "birth_date": "1985-11-23",
        "address": {"region": "贵州省", "locality": "贵阳市南明区", "street_address": "测试路2号"},
    }
    return call("/admin/api/v1/people", person, token=TOKEN)["person_id"]


def a_card(holder_key, alg):
    """From an offer to a card bound to the key."""
    order = {"person_id": the_person(), "credential_types": ["resident-id"], "tx_code": False}
    offer = call("/admin/api/v1/offers", order, token=TOKEN)["credential_offer"]
    code = offer["grants"][PRE_AUTHORIZED]["pre-authorized_code"]
    access = call("/token", form={"grant_type": PRE_AUTHORIZED, "pre-authorized_code": code})["access_token"]
    nonce = call("/nonce", form={})["c_nonce"]
    header = {"typ": "openid4vci-proof+jwt", "alg": alg, "jwk": holder_key.export_public(as_dict=True)}
    proof = JWS(json.dumps({"aud": URL, "iat": int(time.time()), "nonce": nonce}))
    proof.add_signature(holder_key, alg=alg, protected=json.dumps(header))
    request = {
        "credential_configuration_id": offer["credential_configuration_ids"][0],
        "proofs": {"jwt": [proof.serialize(compact=True)]},
    }
    return call("/credential", request, token=access)["credentials"][0]["credential"]


def leaf_key(_issuer, header):
    """The key of the leaf in `x5c`, after a check that a root of the service's key folder signed the chain."""
    chain = [x509.load_der_x509_certificate(base64.b64decode(der, validate=True)) for der in header["x5c"]]
    for certificate, issuer in zip(chain, chain[1:]):
        certificate.verify_directly_issued_by(issuer)
    roots = [
        certificate
        for path in KEYS.rglob("*.pem")
        if b"BEGIN CERTIFICATE" in path.read_bytes()
        for certificate in x509.load_pem_x509_certificates(path.read_bytes())
        if certificate.issuer == certificate.subject
    ]
    root = next(root for root in roots if root.subject == chain[-1].issuer)
    chain[-1].verify_directly_issued_by(root)
    pem = chain[0].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return JWK.from_pem(pem)


def new_key(alg):
    return JWK.generate(kty="EC", crv="P-256") if alg == "ES256" else JWK.generate(kty="OKP", crv="Ed25519")


class WhatTheServiceIssues(unittest.TestCase):
    def test_a_card_with_key_binding_verifies_with_sd_jwt(self):
        key = new_key("ES256")
        card = a_card(key, "ES256")
        nonce = secrets.token_urlsafe(16)
        holder = SDJWTHolder(card)
        holder.create_presentation({"family_name": True, "birth_date": True}, nonce, AUDIENCE, key, "ES256")
        claims = SDJWTVerifier(holder.sd_jwt_presentation, leaf_key, AUDIENCE, nonce).get_verified_payload()
        self.assertEqual(claims["family_name"], "周")
        self.assertEqual(claims["birth_date"], "1985-11-23")
        self.assertNotIn("id_number", claims)
        self.assertEqual(claims["vct"], f"{URL}/credential-types/resident-id")
        with self.assertRaisesRegex(ValueError, "Invalid nonce"):
            SDJWTVerifier(holder.sd_jwt_presentation, leaf_key, AUDIENCE, "another")

    def test_every_claim_of_a_card_for_an_ed25519_key_can_be_disclosed(self):
        card = a_card(new_key("EdDSA"), "EdDSA")
        claims = SDJWTVerifier(card, leaf_key).get_verified_payload()
        self.assertEqual(claims["cnf"]["jwk"]["crv"], "Ed25519")
        self.assertEqual((claims["family_name"], claims["given_name"]), ("周", "明远"))
        self.assertIn("520102", claims["id_number"])
        self.assertEqual(claims["address"]["locality"], "贵阳市南明区")
        self.assertNotIn("_sd", json.dumps(claims))


class WhatSdJwtIssues(unittest.TestCase):
    ISSUER = "https://issuer.example"

    @classmethod
    def setUpClass(cls):
        now = datetime.datetime.now(datetime.timezone.utc)
        root_key, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        def usage(**set_bits):
            bits = dict.fromkeys(
                ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
                 "crl_sign", "encipher_only", "decipher_only"], False)
            return x509.KeyUsage(**{**bits, **set_bits})

        def certificate(subject, issuer, public_key, extensions, signing_key):
            builder = x509.CertificateBuilder(
                subject_name=name(subject), issuer_name=name(issuer), public_key=public_key,
                serial_number=x509.random_serial_number(), not_valid_before=now - datetime.timedelta(hours=1),
                not_valid_after=now + datetime.timedelta(days=20))
            for extension, critical in extensions:
                builder = builder.add_extension(extension, critical)
            return builder.sign(signing_key, hashes.SHA256())

        root = certificate("Python peer root", "Python peer root", root_key.public_key(), [
            (x509.BasicConstraints(ca=True, path_length=0), True), (usage(key_cert_sign=True, crl_sign=True), True)], root_key)
        cert = certificate("Python peer issuer", "Python peer root", leaf.public_key(), [
            (x509.BasicConstraints(ca=False, path_length=None), True), (usage(digital_signature=True), True),
            (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(cls.ISSUER)]), False)], root_key)
        cls.root = WORK / "python-root.pem"
        cls.root.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        cls.x5c = [base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()]
        cls.key = JWK.from_pem(leaf.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def issue(self, holder_key, **claims):
        now = int(time.time())
        user_claims = {
            "iss": self.ISSUER, "vct": f"{self.ISSUER}/credential-types/harbour-pass", "iat": now - 60, "nbf": now - 60,
            "exp": now + 3600, SDObj("family_name"): "Łódź", SDObj("given_name"): "晓雨",
            SDObj("address"): {SDObj("locality"): "贵阳", SDObj("street_address"): "Quay 4"},
            "berths": [SDObj("A"), SDObj("B"), SDObj("C")], **claims,
        }
        header = {"typ": "dc+sd-jwt", "x5c": self.x5c}
        return SDJWTIssuer(user_claims, self.key, holder_key, "ES256", add_decoy_claims=True, extra_header_parameters=header).sd_jwt_issuance

    def verdict(self, presentation, *arguments):
        run = subprocess.run(
            [BIN, "verify", "-", "--json", "--anchor", str(self.root), *arguments],
            input=presentation, capture_output=True, text=True, cwd=WORK, timeout=30)
        self.assertIn(run.returncode, (0, 1, 2), run.stdout + run.stderr)
        statement = json.loads(run.stdout)
        self.assertEqual(["accepted", "refused", "undetermined"][run.returncode], statement["decision"])
        return statement

    def test_yufu_accepts_it_and_refuses_every_alteration(self):
        for alg in ("ES256", "EdDSA"):
            key = new_key(alg)
            nonce = secrets.token_urlsafe(16)
            bound = ("--nonce", nonce, "--audience", AUDIENCE)
            holder = SDJWTHolder(self.issue(key))
            chosen = {"family_name": True, "address": {"locality": True}, "berths": [False, True, False]}
            holder.create_presentation(chosen, nonce, AUDIENCE, key, alg)
            shown = holder.sd_jwt_presentation

            statement = self.verdict(shown, *bound)
            self.assertEqual(statement["decision"], "accepted", statement)
            claims = statement["credential"]["claims"]
            self.assertEqual(claims["family_name"], "Łódź")
            self.assertEqual(claims["address"], {"locality": "贵阳"})
            self.assertEqual(claims["berths"], ["B"])
            self.assertNotIn("given_name", claims)

            issuer_jwt, *disclosures, binding = shown.split("~")
            without = lambda kept: "~".join([issuer_jwt, *kept, binding])
            altered = shown[:-3] + ("A" if shown[-3] != "A" else "B") + shown[-2:]
            for label, presentation, arguments in (
                ("nonce", shown, ("--nonce", "another", "--audience", AUDIENCE)),
                ("audience", shown, ("--nonce", nonce, "--audience", "https://elsewhere.example")),
                ("a disclosure taken away", without(disclosures[1:]), bound),
                ("the disclosures in another order", without(disclosures[::-1]), bound),
                ("a disclosure twice", without(disclosures + disclosures[:1]), bound),
                ("no key binding", "~".join([issuer_jwt, *disclosures, ""]), bound),
                ("one bit of the key binding", altered, bound),
            ):
                self.assertEqual(self.verdict(presentation, *arguments)["decision"], "refused", label)

    def test_yufu_refuses_what_has_expired(self):
        card = self.issue(new_key("ES256"), exp=int(time.time()) - 3600)
        self.assertEqual(self.verdict(card, "--without-holder-binding")["decision"], "refused")


if __name__ == "__main__":
    unittest.main(verbosity=2)
