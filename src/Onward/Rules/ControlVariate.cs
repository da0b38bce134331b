using System.Text.Json.Serialization;

namespace Onward.Rules;

/// <summary>
/// A prediction of the gradients of activations, by which a forward gradient lowers its variance: noise then only has to estimate
/// the error of the prediction.
/// </summary>
public enum ControlVariate
{
    /// <summary>No prediction, as in the paper.</summary>
    None,

    /// <summary>
    /// A prediction b that is carried back through learned matrices, from the exact gradient that <see cref="NoiseSites.Hidden"/> gives at
    /// the last layer. The matrices start at 0 and are fitted to the estimates, so no weights are transported. Let u be the noise and g
    /// the derivative along u. For any b that does not depend on u, the estimate b + (g - &lt;b, u&gt;) u has the same mean as g u, and
    /// |G - b|^2 / |G|^2 of the variance of g u, where G is the gradient.
    /// </summary>
    [JsonStringEnumMemberName("learned-feedback")] // the name on the command line
    LearnedFeedback,
}
