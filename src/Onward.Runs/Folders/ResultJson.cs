using System.Text.Json;

namespace Onward.Runs;

/// <summary>The form of results in JSON: one line, names in camel case, in the order of the record.</summary>
internal static class ResultJson
{
    internal static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>An error with four decimals.</summary>
    internal static double? Round(double? error) => error is double value ? Math.Round(value, 4) : null;
}
