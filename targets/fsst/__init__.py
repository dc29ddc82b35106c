"""`fsst`: strings that are compressed by a table of symbols (Fast Static Symbol Table), decoded.

``codes u8[bytes], offsets i32[n + 1], symbols u8[S, 8], lengths u8[S] -> text u8[capacity], offsets i32[n + 1]``.
A table has S symbols of 1 to 8 bytes, at most 255. A code below 255 stands for its symbol; 255 is the escape, and says
that the byte behind it stands for itself. String i is ``codes[offsets[i] : offsets[i + 1]]`` and becomes
``text[out[i] : out[i + 1]]`` of the offsets that come back.

- The page, codes and offsets, is the query; the table is the data, since a column of many pages has one.
- The first offset is 0. No string ends in an escape, so that every string can be decoded by itself. What lies behind
  the last offset means nothing, nor do a symbol's bytes behind its length.
- Behind the last string the text is zero. Where the strings have more bytes than the capacity, the offsets tell: they
  are those of the whole text, of which the first bytes are kept.
"""

from lar.contracts import Target

from . import contract, inputs, reference

TARGET = Target(
    name="fsst",
    summary="strings compressed by a table of symbols, decoded",
    source="Boncz, Neumann, Leis: FSST: Fast random access string compression, PVLDB 13(11), 2020",
    operation="byte",
    battery=inputs.battery,
    workloads=inputs.workloads,
    data=inputs.data,
    queries=inputs.queries,
    disguise=inputs.disguise,
    outputs=contract.outputs,
    reference=reference.reference,
    audit=reference.audit,
    cost=contract.cost,
    check=contract.check,
    check_query=contract.check_query,
    recorded=contract.recorded,
    growth=inputs.growth,
    data_bytes=contract.data_bytes,
)
