using System.Text.Json.Serialization;

namespace Onward.Rules;

/// <summary>What predicts the gradients of activities, so that noise is left with what the prediction lacks.</summary>
public enum ControlVariate
{
    /// <summary>Nothing, as the paper has it.</summary>
    None,

    /// <summary>
    /// A prediction b that comes back through matrices of its own, from the exact gradient that <see cref="NoiseSites.Hidden"/> leaves at
    /// the last layer. They begin at 0 and are fitted to the estimates; weights are not transported. With u the noise and g the derivative
    /// along it, b + (g - &lt;b, u&gt;) u has the same mean as g u for any b that does not depend on u, and |G - b|^2 / |G|^2 of its
    /// variance.
    /// </summary>
    [JsonStringEnumMemberName("learned-feedback")] // as the command line has it
    LearnedFeedback,
}
