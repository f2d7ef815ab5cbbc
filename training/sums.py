"""Small sums: plus, minus and times, written in many ways."""

import random
import re

from .phrasing import choose

_NAMES = {
    "en": {"+": ["plus", "and"], "-": ["minus"], "*": ["times", "multiplied by"]},
    "fr": {"+": ["plus", "plus", "et", "pis"], "-": ["moins"], "*": ["fois", "multiplié par"]},
}
_ASK = {
    "en": ["{s}", "hi, what is {s}", "what will {s} be", "what's the answer to {s}", "{s} equal", "what is {s}", "{s} comes to what", "can you tell me {s}", "what is the result of {s}", "{s} is what", "give me the result of {s}", "{s} is equal to what", "{s} is equal to", "can you compute {s}", "what do i get if i do {s}", "what's the value of {s}", "do the sum {s}", "what's {s}", "hey, {s}", "could you tell me how much {s} is", "the value of {s}", "result of {s}", "help me with {s}", "calculate this: {s}", "tell me what {s} is", "how much is {s}", "the answer to {s}", "i wonder how much {s} is", "calculate {s}", "{s}, what does it make", "if i do {s}, what do i get", "try {s}", "{s}, what is that", "quick: {s}", "evaluate {s}", "wat is {s}", "figure out {s}", "ok {s}", "my sum is {s}", "compute {s}", "calc {s}", "{s} equals", "i have to calculate {s}", "{s} is", "how much are {s}", "can you calculate {s}", "tell me the answer to {s}", "how many is {s}", "what does {s} make", "what would {s} be", "can you do {s}", "solve {s}", "what does {s} come to", "compute this: {s}", "hello, how much is {s}", "what does {s} give", "{s}, how much is that", "{s} equals what", "i don't know how much {s} is", "sum: {s}", "how much would {s} be", "and {s}", "work out {s}", "{s} equals how much", "i need to know {s}", "answer to {s}", "{s} gives what", "count {s}", "{s}, please", "please calculate {s}", "what does {s} add up to", "could you calculate {s}", "{s} gives", "{s} makes", "tell me {s}", "do this sum: {s}", "give me the value of {s}", "could you do {s}", "give me the answer to {s}", "what does {s} equal", "what is {s} equal to", "can you tell me what {s} is", "{s} makes how much", "whats {s}", "what's {s} equal to", "would you work out {s}", "i'd like to know {s}", "how much is it, {s}", "{s} = what", "i need {s}", "tell me the result of {s}", "so {s}", "what is the value of {s}", "value of {s}", "what is the answer to {s}", "now {s}", "math question: {s}", "{s} makes what", "{s} is how much", "my homework: {s}", "can you solve {s}", "i want the result of {s}", "find {s}", "tell me how much {s} is", "how much do {s} make", "let's do {s}", "how much {s}", "do you know {s}", "{s} please", "please compute {s}", "how much does {s} make", "the result of {s}", "do you know what {s} makes", "a quick sum: {s}", "{s} comes to", "what do {s} make", "help me calculate {s}", "give me {s}", "do you know how much {s} is", "do {s}", "maths: {s}", "solve this: {s}", "do you know what {s} is", "please work out {s}", "what's the result of {s}", "what do you get for {s}", "i want to know {s}", "can you work out {s}"],
    "fr": ["{s}", "évalue {s}", "bon, {s}", "bonjour, combien font {s}", "combien ça fait {s}", "peux-tu me calculer {s}", "calculez {s}", "{s}, ça fait combien", "un calcul : {s}", "qu'est-ce que ça fait {s}", "{s} ça donne quoi", "dis-moi le résultat de {s}", "ça fait quoi {s}", "combien est-ce que font {s}", "opération : {s}", "combien font {s}", "{s} égal", "peux-tu faire {s}", "{s} ça donne", "fais-moi {s}", "combien fait {s}", "{s} fait combien", "fais le calcul {s}", "quel est le total de {s}", "est-ce que tu sais faire {s}", "{s} vaut combien", "quelle est la réponse à {s}", "trouve le résultat de {s}", "{s} c'est combien", "peux-tu résoudre {s}", "{s} égale à", "quel est le résultat du calcul {s}", "peux-tu me donner {s}", "fais ce calcul : {s}", "combien {s}", "ça donne quoi {s}", "je me demande combien font {s}", "faites {s}", "combien c'est {s}", "sais-tu combien font {s}", "calcule stp {s}", "quel résultat pour {s}", "calcule {s}", "{s} ça fait combien", "réponse à {s}", "{s} donne combien", "tu sais faire {s}", "combien vaut {s}", "question de maths : {s}", "donne le résultat de {s}", "je voudrais savoir combien fait {s}", "{s} stp", "{s}, quel est le résultat", "{s} égale", "{s} font", "trouve {s}", "dis-moi {s}", "résous ça : {s}", "{s} ça fait quoi", "à quoi est égal {s}", "calcule-moi {s}", "{s} est égal à quoi", "ok {s}", "{s} ça fait cb", "{s} cb", "c'est combien {s}", "qu'est-ce que fait {s}", "quel est le résultat de {s}", "petit calcul : {s}", "j'aimerais savoir combien font {s}", "qu'est-ce que donne {s}", "je ne sais pas combien fait {s}", "combien donne {s}", "quelle est la valeur de {s}", "tu sais combien font {s}", "ça fait combien {s}", "que fait {s}", "tu peux me faire {s}", "{s} vaut", "que vaut {s}", "combien est-ce que fait {s}", "je voudrais le résultat de {s}", "résoudre {s}", "{s} égale combien", "aide-moi avec {s}", "j'ai besoin de {s}", "alors {s}", "calculer {s}", "{s} donne", "pouvez-vous calculer {s}", "dites-moi combien font {s}", "aide-moi à calculer {s}", "{s} font combien", "donne-moi le résultat de {s}", "je dois calculer {s}", "{s} = combien", "{s} ça donne combien", "{s} est égal à combien", "que font {s}", "peux-tu calculer {s}", "sais-tu combien fait {s}", "mon calcul : {s}", "{s} donne quoi", "{s} c'est quoi", "calcule donc {s}", "je veux savoir combien font {s}", "effectue {s}", "mon devoir : {s}", "donne-moi {s}", "maintenant {s}", "dis-moi combien fait {s}", "tu peux calculer {s}", "{s} est égal à", "{s} sa fait cb", "c'est quoi {s}", "à combien est égal {s}", "salut, {s}", "{s} fait", "si je fais {s}, ça donne quoi", "ça donne combien {s}", "le résultat de {s}", "cb fait {s}", "dis-moi ce que fait {s}", "pouvez-vous me dire combien fait {s}", "{s} ça fait", "essaie {s}", "cb font {s}", "c'est quoi le résultat de {s}", "peux-tu me dire combien font {s}", "{s} s'il te plaît", "compte {s}", "c'est quoi la réponse à {s}", "résultat de {s}", "calcul : {s}", "{s}, combien ça fait", "et {s}", "donne-moi la réponse à {s}", "que donne {s}", "résous {s}", "fais {s}", "dis-moi combien font {s}"],
}
_MORE = {
    "en": {"+": ["i had {a} sweets and got {b} more, how many now", "{a} boys and {b} girls, how many children", "tom has {a} coins and finds {b}, how many in all", "{b} added on {a}", "{a} and another {b}", "add {a} and {b}", "calculate the sum of {a} and {b}", "i have {a} apples and i get {b} more, how many", "{b} more than {a}", "what do you get if you add {a} and {b}", "what is the total of {a} and {b}", "add {a} plus {b}", "how much do {a} and {b} make", "can you add {a} and {b}", "if i add {a} and {b} what do i get", "the sum of {a} and {b}", "sum of {a} and {b}", "please add {a} and {b}", "add up {a} and {b}", "give me the sum of {a} and {b}", "add {a} to {b}", "{a} and {b} makes", "could you add {a} and {b}", "how much is {a} and {b}", "sum {a} and {b}", "put {a} and {b} together", "what's the sum of {a} and {b}", "{a} and {b} make what", "what is the sum of {a} and {b}", "find the sum of {a} and {b}", "{a} added to {b}", "what do {a} and {b} make", "the total of {a} and {b}", "what do {a} and {b} make together", "add {b} to {a}", "what is {b} more than {a}", "{a} and {b} together"], "-": ["tom has {a} coins and spends {b}, what is left", "from {a} take {b}", "{a} cakes, {b} are eaten, how many are left", "there were {a} birds and {b} flew away, how many stay", "how many are left of {a} without {b}", "{b} fewer than {a}", "subtract {b} from {a}", "take {b} away from {a}", "what is {b} less than {a}", "{b} less than {a}", "remove {b} from {a}", "{a} reduced by {b}", "what is the difference between {a} and {b}", "i have {a} apples and i give {b}, how many are left", "take {b} from {a}", "deduct {b} from {a}", "difference between {a} and {b}", "subtract {b} from {a} please", "{a} minus {b} makes", "could you take {b} from {a}", "what is {a} take away {b}", "{a} subtract {b}", "take away {b} from {a}", "take {b} off {a}", "if i take {b} from {a} what is left", "{a} take away {b}", "what is left if i take {b} from {a}", "{a} less {b}", "{a} decreased by {b}", "{a} without {b}", "what remains of {a} after taking {b}", "can you subtract {b} from {a}", "please subtract {b} from {a}", "the difference between {a} and {b}", "how much is {a} take away {b}", "i had {a} sweets and i lost {b}, how many remain"], "*": ["{a} times {b} is how much", "{a} rows of {b} chairs, how many chairs", "multiply {a} by {b}", "what's the product of {a} and {b}", "the product of {a} and {b}", "{a} by {b}", "{a} lots of {b}", "how much is {a} multiplied by {b}", "could you multiply {a} and {b}", "what do you get if you multiply {a} by {b}", "what is {a} multiplied by {b}", "find the product of {a} and {b}", "product of {a} and {b}", "{a} multiplied with {b}", "if i multiply {a} by {b} what do i get", "can you multiply {a} by {b}", "multiply {a} times {b}", "give me the product of {a} and {b}", "what is the product of {a} and {b}", "multiply {a} with {b}", "{a} bags of {b} apples, how many apples", "please multiply {a} by {b}", "{a} groups of {b}", "calculate the product of {a} and {b}", "multiply {a} and {b}", "{a} boxes with {b} eggs each, how many eggs"]},
    "fr": {"+": ["{a} garçons et {b} filles, combien d'enfants", "tom a {a} pièces et en trouve {b}, combien en tout", "{b} de plus que {a}", "{a} et encore {b} de plus", "additionne {a} et {b}", "combien font {a} et {b}", "j'ai {a} pommes et j'en reçois {b}, combien en tout", "{a} et {b} font combien", "peux-tu additionner {a} et {b}", "si j'ajoute {b} à {a} ça fait combien", "l'addition de {a} et {b}", "fais la somme de {a} et {b}", "ajoute {a} et {b}", "la somme de {a} et {b}", "le total de {a} et {b}", "combien font {a} et {b} ensemble", "peux-tu ajouter {b} à {a}", "donne-moi la somme de {a} et {b}", "{a} et {b} ça fait combien", "additionne {a} plus {b}", "ajoute {b} à {a}", "fais l'addition de {a} et {b}", "quel est le total de {a} et {b}", "ajoute {a} à {b}", "{a} ajouté à {b}", "ajouter {b} à {a}", "{a} et encore {b}", "{a} augmenté de {b}", "pouvez-vous additionner {a} et {b}", "somme de {a} et {b}", "calcule la somme de {a} et {b}", "quelle est la somme de {a} et {b}", "si j'additionne {a} et {b} j'obtiens quoi", "additionner {a} et {b}", "j'avais {a} bonbons et j'en gagne {b}, combien maintenant"], "-": ["tom a {a} pièces et en dépense {b}, il reste quoi", "de {a} j'ôte {b}", "{a} gâteaux, on en mange {b}, combien il en reste", "il y avait {a} oiseaux, {b} partent, combien restent", "j'avais {a} cartes, j'en donne {b}, il m'en reste combien", "{b} de moins que {a}", "soustrais {b} de {a}", "si j'enlève {b} à {a} il reste combien", "enlève {b} à {a}", "ôte {b} à {a}", "fais la soustraction de {a} et {b}", "{a} auquel j'enlève {b}", "pouvez-vous soustraire {b} de {a}", "que reste-t-il si j'enlève {b} à {a}", "soustraire {b} de {a}", "enlève {b} de {a}", "différence entre {a} et {b}", "quelle est la différence entre {a} et {b}", "j'ai {a} pommes et j'en donne {b}, combien il en reste", "retire {b} de {a}", "calcule la différence entre {a} et {b}", "enlever {b} à {a}", "retire {b} à {a}", "donne-moi la différence entre {a} et {b}", "retirer {b} de {a}", "combien reste-t-il de {a} si j'enlève {b}", "peux-tu soustraire {b} de {a}", "soustrayez {b} de {a}", "ôte {b} de {a}", "retranche {b} de {a}", "soustrais {b} à {a}", "peux-tu enlever {b} à {a}", "{a} diminué de {b}", "la différence entre {a} et {b}", "{a} moins {b} il reste combien", "j'avais {a} bonbons et j'en ai perdu {b}, combien reste-t-il"], "*": ["{a} rangs de {b} chaises, combien de chaises", "{a} fois {b} c'est combien", "multiplie {a} par {b}", "la multiplication de {a} par {b}", "peux-tu multiplier {a} par {b}", "quel est le produit de {a} et {b}", "le produit de {a} et {b}", "calcule le produit de {a} et {b}", "fais la multiplication de {a} par {b}", "{a} paquets de {b} pommes, combien de pommes", "donne-moi le produit de {a} et {b}", "{a} fois {b} ça donne quoi", "si je multiplie {a} par {b} j'obtiens quoi", "combien font {a} multiplié par {b}", "pouvez-vous multiplier {a} par {b}", "multiplie {a} fois {b}", "multiplier {a} par {b}", "multiplie {a} et {b}", "multipliez {a} par {b}", "produit de {a} par {b}", "multiplie {a} avec {b}", "{a} multiplié par {b} ça fait combien", "quel est le produit de {a} par {b}", "produit de {a} et {b}", "{a} boîtes de {b} œufs, combien d'œufs"]},
}
_TOO_HARD = {
    "en": ["{b} + {b} * {b}", "{b} dozen eggs, how many", "{a} - {b} - {c}", "({a}-{b})*{c}", "{a}/{b}", "{a}:{b}", "{b}/{a}", "{b}+{b}+{b}", "sqrt {a}", "pi times {a}", "share {a} between {b} people", "{b}^{b}", "mean of {b} and {c}", "digits of pi", "{a}+{c}-{b}", "is {b} odd", "2x + {a} = {c}", "{b} to the third power", "{b}²+{a}", "{a}.5 + {b}.5", "{a}+{c}+{b}", "1/{b} + 1/{a}", "{a} and a half", "{b}.{a} - {c}", "{a} ÷ {b} =", "{a} plus {c} plus {b}", "{a} % {b}", "{a} + {b} + {c}", "average of {a} and {b}", "({a}+{b})/{c}", "square {b}", "how much is half of {b}", "round {a}.{b}", "the square root of {a}", "is {a} divisible by {b}", "ln {a}", "sin({a})", "{a} over {b}", "is {a} prime", "{a} mod {b}", "{a} to the {b}", "{a} x {c} x {b}", "sqrt({a})", "is {a} even or odd", "{a}²", "{b} factorial", "{a} divided by {b}", "{a} / {b}", "a fifth of {a}", "find x: {b}x - {a} = {c}", "{a} ÷ {b}", "{a} divided by zero", "{a} squared", "√{a}", "the sine of {a}", "the gcd of {a} and {c}", "({a} + {c}) * {b}", "a quarter of {a}", "{a} to the power of {b}", "{a} shared by {b}", "cos({a})", "{a} in roman numerals", "{b} percent of {a}", "{a} in binary", "square root of {a}", "half of {a}", "the average of {a} and {c}", "is {a} a prime number", "the square of {a}", "tan {a}", "{a} + {c} * {b} - {b}", "a third of {a}", "half of {c}", "{a} in hexadecimal", "{a} cubed", "solve x + {a} = {c} * {b}", "the factorial of {b}", "{a} modulo {b}", "{a}/{c} + {b}/{c}", "{a} % of {c}", "is {a} a square number", "divide {a} by {b}", "{a}^{b}", "the mean of {a}, {b} and {c}", "the log of {a}", "{a}.{b} + {c}.{b}", "{b} per cent of {c}", "the remainder of {a} divided by {b}", "x if {b}x = {a}", "{b}% of {a}", "{a} ** {b}", "the cube of {a}", "solve {b}x + {a} = {c}", "the cube root of {a}", "log({a})", "{b}!", "{a} out of {c} as a percentage", "pi to {b} decimals", "{a} modulo {c}", "{b}*({c}-{a})", "{a} split in two"],
    "fr": ["{b} décimales de pi", "moyenne de {a} et {b}", "{a},{b} - {c}", "{b}*({c}-{a})", "moyenne entre {b} et {c}", "{b},{a} + {c}", "{b} puissance trois", "un tiers de {a}", "{a}+{c}+{b}", "{b} + {b} * {b}", "{a} + {b} + {c}", "{a} plus {c} plus {b}", "{b} douzaines d'œufs, combien", "les décimales de pi", "2x + {a} = {c}", "1/{b} + 1/{a}", "{a} % {b}", "{b}^{b}", "{b}/{a}", "carré de {b}", "{a} divisé en {b}", "{a} partagé en deux", "combien fait la moitié de {b}", "{a} modulo {c}", "{b}²+{a}", "pi fois {a}", "{a} - {b} - {c}", "{a} ÷ {b} =", "({a}+{b})/{c}", "arrondis {a},{b}", "{a},5 + {b},5", "{a}/{b}", "{b}+{b}+{b}", "sqrt {a}", "{a}:{b}", "la racine carrée de {a}", "factorielle {b}", "{a} divisé par {b}", "ln {a}", "est-ce que {a} est divisible par {b}", "le quart de {a}", "{a} / {b}", "racine de {a}", "({a} + {c}) * {b}", "{a} modulo {b}", "le reste de {a} divisé par {b}", "{a}²", "le sinus de {a}", "{a},{b} + {c},{b}", "{a} ÷ {b}", "{a} au carré", "{a} puissance {b}", "factorielle de {b}", "√{a}", "{a} est-il premier", "{a}/{c} + {b}/{c}", "{b} pour cent de {a}", "{b}% de {a}", "sqrt({a})", "la moitié de {a}", "sin({a})", "{a} + {c} * {b} - {b}", "{a} en hexadécimal", "est-ce que {a} est un nombre premier", "la moyenne de {a} et {c}", "x si {b}x = {a}", "trouve x : {b}x - {a} = {c}", "cos({a})", "{b}!", "la factorielle de {b}", "le cube de {a}", "résous x + {a} = {c} * {b}", "{a} % de {c}", "{a} ** {b}", "la moitié de {c}", "{a}^{b}", "{a} sur {b}", "{b} % de {c}", "la racine cubique de {a}", "{a} en binaire", "log({a})", "{a} au cube", "le pgcd de {a} et {c}", "le logarithme de {a}", "{a} x {c} x {b}", "le carré de {a}", "{a} en chiffres romains", "racine carrée de {a}", "divise {a} par {b}", "la moyenne de {a}, {b} et {c}", "{a} est-il pair ou impair", "{a} à la puissance {b}", "le cinquième de {a}", "tan {a}", "résous {b}x + {a} = {c}", "{a} est-il divisible par {b}", "{a} partagé par {b}", "le tiers de {a}", "{a} divisé par zéro", "partage {a} entre {b} personnes", "({a}-{b})*{c}", "{b} est impair", "{a}+{c}-{b}"],
}
_DOUBLE = {
    "en": ["double {b}", "twice {b}", "what is twice {b}", "the double of {b}", "what's double {b}", "how much is twice {b}", "{b} doubled", "double of {b}", "what is the double of {b}", "two times {b}", "calculate twice {b}", "two lots of {b}", "what do i get if i double {b}", "how much is {b} doubled", "what's twice {b}", "can you double {b}"],
    "fr": ["le double de {b}", "double de {b}", "quel est le double de {b}", "c'est quoi le double de {b}", "combien fait le double de {b}", "double {b}", "deux fois {b}", "calcule le double de {b}", "donne le double de {b}", "combien font deux fois {b}", "{b} doublé", "si je double {b} ça fait combien", "combien vaut le double de {b}", "peux-tu doubler {b}", "je double {b}", "doubler {b}"],
}
ONLY_SMALL = {"en": "I only know small sums, with numbers up to 100.", "fr": "Je ne connais que les petits calculs, avec des nombres jusqu'à 100."}


def _numbers_in_words(language: str) -> list[str]:
    """zero to one hundred / zéro à cent"""
    if language == "en":
        small = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
        tens = "twenty thirty forty fifty sixty seventy eighty ninety".split()
        return small + [t + ("-" + small[u] if u else "") for t in tens for u in range(10)] + ["one hundred"]
    small = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf".split()
    said = list(small)
    for t, most in (("vingt", 10), ("trente", 10), ("quarante", 10), ("cinquante", 10), ("soixante", 20)):
        said += [t + ("" if u == 0 else f" et {small[u]}" if u in (1, 11) else "-" + small[u]) for u in range(most)]
    return said + ["quatre-vingts"] + ["quatre-vingt-" + small[u] for u in range(1, 20)] + ["cent"]


_WORDS = {l: _numbers_in_words(l) for l in ("en", "fr")}


def is_held_out(a: int, b: int, sign: str) -> bool:
    """One sum in twelve is never shown in training."""
    if are_tens(a, b):
        return sign != "*" and (3 * a + b) // 10 % 8 == 0
    return sign != "*" and (a * 31 + b * 17 + ord(sign)) % 12 == 0


def are_tens(a: int, b: int) -> bool:
    return a % 10 == b % 10 == 0 and a > 0 < b


def _numbers(rng: random.Random) -> tuple[int, int, str]:
    kind = rng.random()
    if kind < 0.09:  # with a hundred
        n = rng.randint(0, 100)
        sign = "+" if rng.random() < 0.75 else "-"
        return (100, n, sign) if sign == "-" or rng.random() < 0.6 else (n, 100, sign)
    if kind < 0.16:  # tens
        a, b = 10 * rng.randint(1, 10), 10 * rng.randint(1, 10)
        return (a, b, "+") if rng.random() < 0.6 else (max(a, b), min(a, b), "-")
    kind = rng.random()
    if kind < 0.45:
        if rng.random() < 0.2:
            return rng.randint(0, 20), rng.randint(0, 20), "+"
        a = rng.randint(0, 100)
        return a, rng.randint(0, 100 - a if rng.random() < 0.75 else 100), "+"
    if kind < 0.8:
        if rng.random() < 0.35:  # half of them end below zero
            most = rng.choice([10, 20])
            return rng.randint(0, most), rng.randint(0, most), "-"
        a = rng.randint(0, 100)
        b = rng.randint(0, a if rng.random() < 0.8 else 100)
        return a, b, "-"
    if kind < 0.95:
        return rng.randint(0, 12), rng.randint(0, 12), "*"
    a = rng.randint(1, 7)  # a table that goes on, as long as the result stays small
    b = rng.randint(10, min(50, 100 // a))
    return (a, b, "*") if rng.random() < 0.5 else (b, a, "*")


def sum_(rng: random.Random, language: str, held_out: bool = False, only=None) -> tuple[str, str]:
    """(question, answer); only: tells whether two numbers will do."""
    if rng.random() < 0.03 and not only:
        b = rng.randint(0, 12 if rng.random() < 0.5 else 50)
        said = _WORDS[language][b] if b <= 20 and rng.random() < 0.3 else str(b)
        return choose(_DOUBLE[language], rng).format(b=said), f"2 × {b} = {2 * b}"
    while True:
        a, b, sign = _numbers(rng)
        if only and not only(a, b, sign):
            continue
        if sign == "*" or is_held_out(a, b, sign) == held_out:
            break
    result = {"+": a + b, "-": a - b, "*": a * b}[sign]
    if rng.random() < 0.18:
        q = choose(_MORE[language][sign], rng).format(a=a, b=b)
    else:
        q = choose(_ASK[language], rng).format(s=_written(a, b, sign, language, rng))
    shown = {"+": "+", "-": "−", "*": "×"}[sign]
    return q, f"{a} {shown} {b} = {'−' if result < 0 else ''}{abs(result)}"


def _written(a, b, sign, language, rng) -> str:
    if rng.random() < (0.6 if are_tens(a, b) else 0.3):
        small = a <= 20 and b <= 20
        if max(a, b) <= 100 and rng.random() < (0.75 if are_tens(a, b) else 0.5 if small else 0.2):
            a, b = (_in_words(n, language, rng) for n in (a, b))
        return f"{a} {rng.choice(_NAMES[language][sign])} {b}"
    mark = {"+": "+", "-": rng.choice("-−-"), "*": rng.choice(["*", "x", "×", "x"])}[sign]
    gap = rng.choice(["", "", " "])
    return f"{a}{gap}{mark}{gap}{b}" + (rng.choice(["=", " ="]) if rng.random() < 0.2 else "")


def _in_words(n: int, language: str, rng: random.Random) -> str:
    word = _WORDS[language][n]
    if language == "fr" and n >= 70 and rng.random() < 0.1:  # as in Belgium and Switzerland
        word = word.replace("soixante-dix", "septante").replace("quatre-vingt-dix", "nonante")
    if n == 100 and language == "en" and rng.random() < 0.4:
        word = "a hundred"
    return word if rng.random() < 0.75 else word.replace("-", " ")


_OF_NO_LANGUAGE = {"x", "sin", "cos", "tan", "ln", "log", "sqrt", "modulo"}


def too_hard(rng: random.Random, language: str, spoken: str = "en") -> tuple[str, str]:
    """(question, answer); what is written in signs alone is answered in the conversation's language so far."""
    while True:
        q = _too_hard_question(rng, language)
        if language == spoken or not set(re.findall(r"[^\W\d_]+", q)) <= _OF_NO_LANGUAGE:
            return q, ONLY_SMALL[language]


def _too_hard_question(rng: random.Random, language: str) -> str:
    if rng.random() < 0.55:
        a, b, c = rng.randint(2, 999), rng.randint(2, 12), rng.randint(10, 900)
        if rng.random() < 0.55:
            a, c = rng.randint(2, 30), rng.randint(2, 30)
        s = choose(_TOO_HARD[language], rng).format(a=a, b=b, c=c)
        if rng.random() < 0.35:
            s = s.replace(" + ", "+").replace(" - ", "-").replace(" * ", "*").replace(" / ", "/")
        if rng.random() < 0.35:
            s = {"en": "what is ", "fr": "combien fait "}[language] + s
        return s
    big = lambda: rng.choice([rng.randint(120, 999), rng.randint(1000, 9999), rng.randint(10**4, 10**6)])
    a, b = big(), rng.choice([big(), rng.randint(2, 100)])
    sign = rng.choice("+-*")
    if rng.random() < 0.25:
        a, b, sign = rng.randint(13, 99), rng.randint(13, 99), "*"
        if rng.random() < 0.3:
            a = rng.randint(3, 12)
            b = rng.randint(max(13, 130 // a), 99)
            a, b = (a, b) if rng.random() < 0.5 else (b, a)
    elif rng.random() < 0.4:
        a, b = b, a
    return choose(_ASK[language], rng).format(s=_written(a, b, sign, language, rng))
