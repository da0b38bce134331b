using System.Text.Json;

namespace Onward.Cli;

/// <summary>How <c>--json</c> writes a result: one line, names in camel case, in the order of the record.</summary>
internal static class ResultJson
{
    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
