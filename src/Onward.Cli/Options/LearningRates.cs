using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Onward.Cli;

/// <summary>The learning rates of <c>onward compare</c>: one rate for all rules, or separate rates for some rules.</summary>
/// <param name="ForAll">The rate for all rules, or null if rules have separate rates.</param>
/// <param name="ByRule">The separate rates, keyed by rule.</param>
internal sealed record LearningRates(double? ForAll, IReadOnlyDictionary<string, double> ByRule)
{
    private const string Name = "--lr";

    /// <summary>Returns the rate for a rule, or null for the rule's default.</summary>
    internal double? For(string rule) => ByRule.TryGetValue(rule, out double rate) ? rate : ForAll;

    /// <summary>Creates the option.</summary>
    internal static Option<LearningRates?> Option() => new(Name)
    {
        Description =
            "Learning rate: one number for all rules, or RULE=X,RULE=Y. Default: the default of 'onward train' for rule and model",
        HelpName = "RATES",
        CustomParser = Read,
    };

    private static LearningRates? Read(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (!text.Contains('=', StringComparison.Ordinal))
        {
            return ReadRate(text, text, result) is double all ? new LearningRates(all, new Dictionary<string, double>()) : null;
        }

        Dictionary<string, double> rates = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] sides = part.Split('=', 2, StringSplitOptions.TrimEntries);
            if (ValueOption.Known(sides[0], PaperRules.Names) is not string rule)
            {
                result.AddError(ValueOption.Unknown(Name, sides[0], PaperRules.Names));
                return null;
            }

            if (ReadRate(sides.Length == 2 ? sides[1] : "", part, result) is not double rate)
            {
                return null;
            }

            if (!rates.TryAdd(rule, rate))
            {
                result.AddError($"{Name} gives two rates for {rule}. Give one.");
                return null;
            }
        }

        return new LearningRates(null, rates);
    }

    private static double? ReadRate(string text, string shown, ArgumentResult result)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double rate) && double.IsFinite(rate) && rate > 0)
        {
            return rate;
        }

        result.AddError($"{Name} must be a number above 0, or RULE=X,RULE=Y with numbers above 0; got {ParseFaults.Quote(shown)}.");
        return null;
    }
}
