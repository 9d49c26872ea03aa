# ruff: noqa: N802 - the names are theirs
# What we use of cel-expr-python, which ships its types without the marker that makes them count.
from collections.abc import Mapping
from typing import Any, ClassVar

class Type:
    BOOL: ClassVar[Type]
    DOUBLE: ClassVar[Type]
    DYN: ClassVar[Type]
    ERROR: ClassVar[Type]
    INT: ClassVar[Type]
    STRING: ClassVar[Type]
    @staticmethod
    def List(element_type: Type) -> Type: ...
    @staticmethod
    def Map(key_type: Type, element_type: Type) -> Type: ...
    def name(self) -> str: ...

class Value:
    def type(self) -> Type: ...
    def value(self) -> object: ...

class Expression:
    def eval(self, *, data: Mapping[str, Any]) -> Value: ...
    def return_type(self) -> Type: ...

class Env:
    def compile(self, expression: str) -> Expression: ...

def NewEnv(*, variables: Mapping[str, Type]) -> Env: ...
