"""Oracle's SQL: checked as by Oracle, and translated for Postgres."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from tests.support.oracle_standin.errors import ora
from tests.support.oracle_standin.functions import FUNCTIONS, NOT_FUNCTIONS
from tests.support.oracle_standin.tables import Created, alter_table, copy_types, create_table

_BIND = "standin_bind_{}_"
_BIND_TEXT = re.compile(r'"?standin_bind_(\d+)_"?', re.IGNORECASE)
_KNOWN = FUNCTIONS | NOT_FUNCTIONS
_OF_SESSION = "NLS_NUMERIC_CHARACTERS='.,'"
_CREATE_TABLE = re.compile(r"\s*CREATE\s+TABLE\b", re.IGNORECASE)
_AS_SELECT = re.compile(r"\bAS\s+SELECT\b", re.IGNORECASE)
# Without RELEASE SAVEPOINT, which Oracle lacks.
_CONTROL = re.compile(
    r"SAVEPOINT\s+\w+|ROLLBACK\s+TO\s+(SAVEPOINT\s+)?\w+|SET\s+CONSTRAINTS?\s+ALL\s+(IMMEDIATE|DEFERRED)",
    re.IGNORECASE,
)
_LOCK_TABLE = re.compile(
    r"LOCK TABLE (.+) (IN (?:SHARE|EXCLUSIVE|SHARE ROW EXCLUSIVE) MODE)(?: WAIT (\d+))?",
    re.IGNORECASE | re.DOTALL,
)
_INVISIBLE = re.compile(r"ALTER TABLE (\S+) MODIFY \((\w+) INVISIBLE\)", re.IGNORECASE)
_RESERVED_BINDS = frozenset(
    [
        "ACCESS",
        "ALL",
        "AND",
        "ANY",
        "AS",
        "ASC",
        "BY",
        "CHECK",
        "COLUMN",
        "COMMENT",
        "DATE",
        "DEFAULT",
        "DESC",
        "DISTINCT",
        "ELSE",
        "FILE",
        "FOR",
        "FROM",
        "GROUP",
        "IN",
        "INDEX",
        "INSERT",
        "INTO",
        "IS",
        "LEVEL",
        "LIKE",
        "MODE",
        "NOT",
        "NULL",
        "NUMBER",
        "OF",
        "ON",
        "OPTION",
        "OR",
        "ORDER",
        "ROW",
        "ROWID",
        "ROWNUM",
        "ROWS",
        "SELECT",
        "SESSION",
        "SET",
        "SIZE",
        "START",
        "TABLE",
        "THEN",
        "TO",
        "UID",
        "UNION",
        "UPDATE",
        "USER",
        "VALUES",
        "VIEW",
        "WHERE",
        "WITH",
    ]
)
# Forms that Oracle accepts and the parser does not.
_REWRITTEN = (
    (re.compile("'SYYYY"), "' YYYY"),
    (re.compile(r"\bJSON\s*\("), "JSON_OF("),
    (re.compile(r"\bXMLPARSE\s*\(\s*DOCUMENT\s+", re.IGNORECASE), "XMLPARSE("),
    (re.compile(r"\s+RETURNING\s+CLOB\s*\)", re.IGNORECASE), ")"),
    (
        re.compile(r"\bXMLSERIALIZE\s*\(\s*CONTENT\s+(\S+)\s+AS\s+CLOB\s*\)", re.IGNORECASE),
        r"XMLSERIALIZE(\1)",
    ),
    # ORDER has no visible effect on a single server.
    (re.compile(r"\bAS\s+IDENTITY\s*\(ORDER\)"), "AS IDENTITY"),
)


@dataclass(frozen=True)
class Statement:
    """
    A checked statement.

    :param kind: ``query``, ``lock`` (a query FOR UPDATE), ``dml``, ``ddl``, ``session`` or ``control``
    :param text: for Postgres, with a mark where each bind variable stands
    :param binds: the names of the bind variables in the order in which they stand
    :param wait: seconds to wait for a lock; ``None`` without a limit
    :param inserts: an INSERT of VALUES
    :param table: the destination of an INSERT or a MERGE
    :param tables: the tables that the statement reads or writes, the written one first
    :param targets: bind variables that stand alone, each with its column
    """

    kind: str
    text: str
    binds: tuple[str, ...] = ()
    wait: float | None = None
    then: tuple[str, ...] = field(default=())
    inserts: bool = False
    table: str = ""
    targets: tuple[tuple[int, str], ...] = ()
    tables: tuple[str, ...] = ()

    def bound(self, types: list[str]) -> str:
        """Return the text with a parameter of the given Postgres type for each mark."""
        # Oracle converts a string to the column's type; Postgres does so only for a parameter not declared as text.
        lenient = self.text.startswith(("INSERT", "UPDATE"))

        def parameter(mark: re.Match[str]) -> str:
            number = int(mark[1])
            plain = lenient and types[number] == "text"
            return f"${number + 1}" if plain else f"CAST(${number + 1} AS {types[number]})"

        return _BIND_TEXT.sub(parameter, self.text)


SINCE = (
    (re.compile(r"\bFETCH\s+(FIRST|NEXT)\b|\bOFFSET\s+\S+\s+ROWS?\b", re.IGNORECASE), (12, 1), 933),
    (
        re.compile(r"\bGENERATED\b.*\bAS\s+IDENTITY\b|\bdefault_on_null\b|_identity_cols\b", re.IGNORECASE),
        (12, 1),
        904,
    ),
    (re.compile(r"\bJSON_SERIALIZE\s*\(", re.IGNORECASE), (19,), 904),
    (re.compile(r"\bJSON\s*\(", re.IGNORECASE), (21,), 904),
)


def check_version(sql: str, version: str) -> None:
    """Refuse features of later versions of the server."""
    has = tuple(int(part) for part in version.split("."))
    for pattern, since, code in SINCE:
        if has < since and pattern.search(sql):
            raise ora(code, "word of a later version")


@lru_cache(512)
def translate(sql: str) -> Statement:
    """
    Check and translate a statement.

    :raises oracledb.Error: as Oracle would refuse it
    """
    try:
        tokens = sqlglot.tokenize(sql, read="oracle")
    except sqlglot.errors.TokenError:
        raise ora(900) from None
    if not tokens:
        raise ora(900)
    if tokens[0].text.upper() == "BEGIN":
        return _block(sql)
    if any(token.token_type is TokenType.SEMICOLON for token in tokens):
        raise ora(933) if tokens[0].text.upper() != "SELECT" else ora(911, ";")
    _check_words(tokens)
    if lock := _LOCK_TABLE.fullmatch(sql):
        table = _postgres(exp.to_table(lock[1], dialect="oracle"))
        return Statement("lock", f"LOCK TABLE {table} {lock[2]}", wait=float(lock[3]) if lock[3] else None)
    if tokens[0].text.upper() == "ALTER" and tokens[1].text.upper() == "SESSION":
        return Statement("session", sql)
    if _CONTROL.fullmatch(sql.strip()):
        return Statement("control", sql)
    if hidden := _INVISIBLE.fullmatch(sql):
        name = _postgres(exp.to_column(f"{hidden[1]}.{hidden[2]}", dialect="oracle"))
        return Statement("ddl", f"COMMENT ON COLUMN {name} IS 'INVISIBLE'")
    sql, binds = _mark_binds(sql, tokens)
    for pattern, by in _REWRITTEN:
        sql = pattern.sub(by, sql)
    if changed := _table_ddl(sql):
        return changed
    tree = _parse(sql)
    kind = _kind(tree)
    lock = tree.args.get("locks") or []
    wait = _take_wait(lock[0]) if lock else None
    if lock and isinstance(tree, exp.Select) and (tree.args.get("limit") or tree.args.get("offset")):
        raise ora(2014)
    inserts = isinstance(tree, exp.Insert) and isinstance(tree.expression, exp.Values)
    table, targets = _targets(tree)
    named = tree.copy()
    then = copy_types(tree)
    return Statement(
        "lock" if lock else kind,
        _postgres(tree),
        tuple(binds),
        wait,
        inserts=inserts,
        table=table,
        targets=targets,
        tables=tuple(
            _folded(found) for found in named.find_all(exp.Table) if isinstance(found.this, exp.Identifier)
        ),
        then=then,
    )


def _table_ddl(sql: str) -> Statement | None:
    """Translate a statement that creates or alters a table."""
    if _CREATE_TABLE.match(sql) and not _AS_SELECT.search(sql):
        created: Created = create_table(sql)
        return Statement("ddl", _postgres(created.tree), then=created.then)
    if altered := alter_table(sql):
        return Statement("ddl", _postgres(altered.tree) if altered.tree else "SELECT 1", then=altered.then)
    return None


def _targets(tree: exp.Expression) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Return the bind variables of an INSERT or a MERGE that stand alone, with their columns."""
    if isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Schema) and tree.expression:
        into, columns = tree.this.this, [_folded(column) for column in tree.this.expressions]
        values = tree.expression.expressions[0].expressions if tree.expression.expressions else []
    elif isinstance(tree, exp.Merge) and isinstance(tree.args["using"], exp.Subquery):
        into, chosen = tree.this, tree.args["using"].this.expressions
        columns, values = [_folded(item.args["alias"]) for item in chosen], [item.this for item in chosen]
    else:
        return "", ()
    table = ".".join(f'"{_folded(part)}"' for part in into.parts)
    pairs = zip(columns, values, strict=False)
    marks = [(_BIND_TEXT.fullmatch(value.sql()), column) for column, value in pairs]
    return table, tuple((int(mark[1]), column) for mark, column in marks if mark)


def _folded(name: exp.Expression) -> str:
    identifier = name if isinstance(name, exp.Identifier) else name.this
    return str(identifier.name if identifier.quoted else identifier.name.upper())


def _block(sql: str) -> Statement:
    """Translate a block of PL/SQL that contains only statements."""
    inner = re.fullmatch(r"\s*BEGIN\s+(.*;)\s*END\s*;\s*", sql, re.IGNORECASE | re.DOTALL)
    if not inner:
        raise ora(6550)
    parts = [translate(part) for part in inner[1].split(";") if part.strip()]
    return Statement("dml", "; ".join(part.text for part in parts))


def _check_words(tokens: list[Token]) -> None:
    """Refuse features of other databases that Oracle lacks."""
    words = [token.text.upper() for token in tokens]
    for index, token in enumerate(tokens):
        word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
        if token.token_type is TokenType.LIMIT:
            raise ora(933)
        if word == "ON" and following == "CONFLICT":
            raise ora(933)
        if token.token_type in (TokenType.DCOLON, TokenType.PLACEHOLDER, TokenType.MOD, TokenType.ILIKE):
            raise ora(911, word)
        before = words[index - 1] if index else ""
        plain = token.token_type is not TokenType.IDENTIFIER and re.fullmatch(r"[A-Z_][\w$#]*", word)
        named = before in ("INTO", "TABLE", "REFERENCES", ".", "AS", "WITH", "ON")
        if following == "(" and plain and not named and word not in _KNOWN:
            raise ora(904, f'"{word}"')


def _mark_binds(sql: str, tokens: list[Token]) -> tuple[str, list[str]]:
    """Put marks where the bind variables stand, and return their names."""
    binds: list[str] = []
    pieces, end = [], 0
    for token, following in pairwise(tokens):
        if token.token_type is not TokenType.COLON:
            continue
        if following.start != token.end + 1 or not re.fullmatch(r"\w[\w$#]*", following.text):
            raise ora(1745)
        name = following.text
        quoted = following.token_type is TokenType.IDENTIFIER
        if not quoted and (name.upper() in _RESERVED_BINDS or name.startswith("_")):
            raise ora(1745)
        pieces += [sql[end : token.start], _BIND.format(len(binds))]
        binds.append(name if quoted else name.upper())
        end = following.end + 1
    return "".join([*pieces, sql[end:]]), binds


def _parse(sql: str) -> exp.Expression:
    try:
        tree = sqlglot.parse_one(sql, read="oracle")
    except sqlglot.errors.ParseError:
        raise ora(933) from None
    for comparison in tree.find_all(exp.GT, exp.GTE, exp.LT, exp.LTE):
        if isinstance(comparison.this, exp.Tuple):
            raise ora(1796)
    return tree


def _kind(tree: exp.Expression) -> str:
    if isinstance(tree, (exp.Select, exp.SetOperation, exp.Subquery)):
        if not tree.find(exp.From):
            # Servers before 23ai refuse it, and the package supports them.
            raise ora(923)
        return "query"
    if isinstance(tree, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        if isinstance(tree.expression, exp.Values) and len(tree.expression.expressions) > 1:
            raise ora(933)  # as servers before 23ai do
        return "dml"
    if isinstance(tree, (exp.Create, exp.Drop, exp.Alter, exp.TruncateTable)):
        if isinstance(tree, (exp.Create, exp.Drop)) and tree.args.get("exists"):
            raise ora(933)
        return "ddl"
    raise ora(900)


def _take_wait(lock: exp.Expression) -> float | None:
    wait = lock.args.get("wait")
    if isinstance(wait, exp.Literal):
        lock.set("wait", None)
        return float(wait.this)
    return 0 if wait else None


def _postgres(tree: exp.Expression) -> str:
    for function in [*tree.find_all(exp.Func)]:
        if isinstance(function, exp.ToChar) and not function.args.get("format"):
            function.replace(exp.Anonymous(this="standin_to_char", expressions=[function.this]))
        elif isinstance(function, exp.ToChar) and function.args["format"].name == "TM9":
            by = function.args.get("nlsparam") or exp.Literal.string(_OF_SESSION)
            given = [function.this, function.args["format"], by]
            function.replace(exp.Anonymous(this="standin_to_char", expressions=given))
        elif isinstance(function, exp.Length):
            function.replace(exp.Anonymous(this="standin_length", expressions=[function.this]))
        elif isinstance(function, exp.Unhex):
            function.replace(exp.Anonymous(this="standin_hextoraw", expressions=[function.this]))
        elif isinstance(function, exp.Anonymous):
            function.set("this", f"standin_{function.name.lower()}")
    for pipe in [*tree.find_all(exp.DPipe)]:  # NULL is an empty text, and the blanks of a CHAR are kept
        both = exp.Anonymous(this="format", expressions=[exp.Literal.string("%s%s"), pipe.left, pipe.right])
        pipe.replace(exp.Anonymous(this="standin_joined", expressions=[both]))
    return tree.transform(_as_postgres).sql("postgres")


def _as_postgres(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Select):
        _limit_by_rownum(node)
    if isinstance(node, exp.Identifier) and not node.quoted and not _BIND_TEXT.fullmatch(node.name):
        return exp.Identifier(this=node.name.upper(), quoted=True)
    if isinstance(node, exp.TableSample):
        by_blocks = str(node.args.get("method") or "").upper() == "BLOCK"
        node.set("method", exp.var("SYSTEM" if by_blocks else "BERNOULLI"))
    if isinstance(node, exp.Literal) and node.is_string and not node.this:
        return exp.Null()
    if isinstance(node, exp.Drop):
        node.set("purge", None)
    if isinstance(node, exp.Column) and node.name.upper() == "ROWID" and not node.this.quoted:
        parts = [exp.column(name, table=node.args.get("table")) for name in ("tableoid", "ctid")]
        return exp.Anonymous(this="standin_rowid", expressions=parts)
    if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.TIMESTAMPLTZ:
        return exp.DataType.build("timestamptz", dialect="postgres")
    if isinstance(node, exp.Cast) and node.to.this == exp.DataType.Type.DATE:
        return exp.Cast(this=node.this, to=exp.DataType.build("timestamp(0)", dialect="postgres"))
    return node


def _limit_by_rownum(select: exp.Select) -> None:
    """Let ROWNUM = 1 end a query, and number its rows where it is a column."""
    for column in [
        item for item in select.find_all(exp.Column) if _is_rownum(item) and item.parent_select is select
    ]:
        condition = column.parent
        if isinstance(condition, exp.EQ) and condition.expression.name == "1":
            # ROWNUM is counted before the sort.
            assert not select.args.get("order"), "ROWNUM beside ORDER BY is of no use"
            condition.replace(exp.true())
            select.set("limit", exp.Limit(expression=exp.Literal.number(1)))
        else:
            numbered = exp.Window(this=exp.Anonymous(this="row_number"))
            column.replace(numbered)


def _is_rownum(column: exp.Column) -> bool:
    return column.name.upper() == "ROWNUM" and not column.table
