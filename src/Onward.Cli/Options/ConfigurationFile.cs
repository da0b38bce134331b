using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Onward.Formats;

namespace Onward.Cli;

/// <summary>
/// A JSON file of options: one object whose keys are option names without the leading dashes. The options are inserted into the command
/// line, except those that the command line gives itself.
/// </summary>
internal static class ConfigurationFile
{
    /// <summary>The name of the option for the file.</summary>
    internal const string Name = "--config";

    private const string SchemaKey = "$schema";
    private const string SchemaAddress = "https://json-schema.org/draft/2020-12/schema";

    private static readonly JsonDocumentOptions Reading =
        new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };

    /// <summary>Creates the option.</summary>
    internal static Option<string?> Option() =>
        ValueOption.File(
            Name,
            "JSON file of options. Keys are option names without the leading dashes. Options on the command line take precedence");

    /// <summary>Inserts the options of the file into the command line.</summary>
    /// <param name="args">The command line. If it names no file, it is returned unchanged.</param>
    /// <param name="root">The root command.</param>
    /// <param name="host">Resolves the path of the file.</param>
    internal static string[] Expand(string[] args, Command root, Host host)
    {
        Command? command = args.Length == 0 ? null : root.Subcommands.FirstOrDefault(sub => sub.Name == args[0]);
        if (command is null || !command.Options.Any(option => option.Name == Name) || NamedFile(args) is not string path)
        {
            return args;
        }

        string[] words =
        [
            .. Read(host.Resolve(path), host)
                .SelectMany(entry => Words(command, entry.Key, entry.Value, host.Resolve(path)))
                .Where(option => !args.Any(arg => arg == option.Name || arg.StartsWith(option.Name + "=", StringComparison.Ordinal)))
                .SelectMany(option => option.Words),
        ];
        ParseResult alone = root.Parse([command.Name, .. words], ValueOption.Parsing);
        return alone.Errors.Count == 0
            ? [command.Name, .. words, .. args[1..]]
            : throw new CommandFault($"{path}: {ParseFaults.Describe(alone)}");
    }

    /// <summary>Writes the options of a command line, including defaults, as the content of a file.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="options">The options that a file may contain.</param>
    /// <param name="resolved">The values of options that are not on the command line, keyed by option name.</param>
    internal static string Write(ParseResult parse, IEnumerable<Option> options, IReadOnlyDictionary<string, object> resolved)
    {
        JsonObject file = [];
        foreach (Option option in options)
        {
            string? text = parse.GetResult(option) is { Implicit: false } given
                ? given.Tokens is [{ Value: string typed }, ..] ? typed : "true"
                : resolved.TryGetValue(option.Name, out object? value)
                ? System.Convert.ToString(value, CultureInfo.InvariantCulture)
                : null;
            if (text is not null)
            {
                file[Key(option)] = ToJson(option, text);
            }
        }

        return file.ToJsonString(RunConfiguration.Json);
    }

    /// <summary>Writes the JSON schema of a command's files.</summary>
    /// <param name="command">The command.</param>
    /// <param name="options">The options that a file may contain.</param>
    internal static string Schema(Command command, IEnumerable<Option> options)
    {
        JsonObject properties = new() { [SchemaKey] = new JsonObject { ["type"] = "string" } };
        foreach (Option option in options)
        {
            JsonObject property = new() { ["description"] = option.Description, ["type"] = TypeOf(option) };
            if (IsText(option)
                && option.GetCompletions(CompletionContext.Empty).Select(item => (JsonNode)item.Label).ToArray() is { Length: > 0 } names)
            {
                property["enum"] = new JsonArray(names);
            }

            properties[Key(option)] = property;
        }

        JsonObject schema = new()
        {
            [SchemaKey] = SchemaAddress,
            ["title"] = $"Options of 'onward {command.Name}'",
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = properties,
        };
        return schema.ToJsonString(RunConfiguration.Json);
    }

    private static string? NamedFile(string[] args)
    {
        int place = Array.FindIndex(args, arg => arg == Name || arg.StartsWith(Name + "=", StringComparison.Ordinal));
        return place < 0 ? null
            : args[place] != Name ? args[place][(Name.Length + 1)..]
            : place + 1 < args.Length && !args[place + 1].StartsWith("--", StringComparison.Ordinal) ? args[place + 1] : null;
    }

    private static JsonObject Read(string path, Host host)
    {
        if (Directory.Exists(path))
        {
            throw new CommandFault($"{Name} {path} is a folder. Name a JSON file of options.");
        }

        try
        {
            JsonObject options = JsonNode.Parse(InputFile.ReadNamedText(path, host.Interruption), documentOptions: Reading) as JsonObject
                ?? throw new CommandFault($"{path} is not one JSON object. Write options as {{ \"lr\": 0.05, ... }}.");

            // Decodes all texts now, so that an invalid text is reported as a fault of this file.
            _ = options.ToJsonString();
            return options;
        }
        catch (InvalidOperationException fault)
        {
            throw new CommandFault($"{path}: a text in it is not valid Unicode. Fix the file, or create one with --dump-config.", fault);
        }
        catch (JsonException fault)
        {
            string place = fault.LineNumber is long line ? string.Create(CultureInfo.InvariantCulture, $", line {line + 1}") : "";
            throw new CommandFault(
                $"{path}{place}: invalid JSON, or a duplicate key. Fix the file, or create one with --dump-config.", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"{path} cannot be read: {fault.Message} Name a JSON file of options.", fault);
        }
    }

    private static IEnumerable<(string Name, string[] Words)> Words(Command command, string key, JsonNode? value, string path)
    {
        if (key == SchemaKey || value is null)
        {
            return [];
        }

        Option[] options = [.. command.Options.Where(MayBeIn)];
        Option option = options.FirstOrDefault(candidate => Key(candidate) == key)
            ?? throw new CommandFault(
                $"{path}: there is no option {ParseFaults.Quote(key)}{NearestName.Suggest(key, options.Select(Key))} "
                + $"Keys are options of 'onward {command.Name}' without the leading dashes.");
        if (option is Option<bool>)
        {
            return value.GetValueKind() switch
            {
                JsonValueKind.True => [(option.Name, [option.Name])],
                JsonValueKind.False => [],
                _ => throw new CommandFault($"{path}: {key} takes true or false; got {ParseFaults.Quote(value.ToJsonString())}."),
            };
        }

        string text = value switch
        {
            JsonArray list => string.Join(',', list.Select(Text)),
            JsonObject => throw new CommandFault($"{path}: {key} takes a value, not an object."),
            _ => Text(value),
        };
        return [(option.Name, [option.Name, text])];
    }

    /// <summary>True if a file may contain an option. Options that print or resume something apply to one call of the command.</summary>
    internal static bool MayBeIn(Option option) => option is not System.CommandLine.Help.HelpOption
        && option.Name is not (Name or "--dump-config" or "--dry-run" or "--resume" or "--best" or "--epoch" or "--json");

    private static string Text(JsonNode? value) =>
        value is JsonValue text && text.GetValueKind() == JsonValueKind.String ? text.GetValue<string>() : value?.ToJsonString() ?? "null";

    private static string Key(Option option) => option.Name.TrimStart('-');

    private static bool IsText(Option option) =>
        option.ValueType != typeof(bool) && !IsWhole(option) && option.ValueType != typeof(double?);

    private static bool IsWhole(Option option) => option.ValueType == typeof(int?) || option.ValueType == typeof(ulong?);

    private static JsonValue ToJson(Option option, string text) => option switch
    {
        Option<bool> => JsonValue.Create(true),
        Option<double?> => JsonValue.Create(double.Parse(text, CultureInfo.InvariantCulture)),
        _ when IsWhole(option) => JsonValue.Create(ulong.Parse(text, CultureInfo.InvariantCulture)),
        _ => JsonValue.Create(text),
    };

    private static JsonNode TypeOf(Option option) => option switch
    {
        Option<bool> => "boolean",
        Option<double?> => "number",
        _ when IsWhole(option) => "integer",
        _ when option.ValueType.IsArray || option.ValueType.IsEnum => new JsonArray("string", "array"),
        _ => "string",
    };
}
