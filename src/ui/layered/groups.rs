//! Nodes that the reader named, alone or several under one name; those of one name are drawn as one.

use std::fmt;

/// Letters of a name, at most.
const LONGEST: usize = 40;

/// Nodes under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// As the reader wrote it.
    pub name: String,
    /// The nodes, by their [`slug`](super::slug).
    pub members: Vec<String>,
}

/// All of them; no node is in two. As an address has them: `name=node,node;name=node`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups(Vec<Group>);

impl Groups {
    /// What an address says; what has no sense there is left out.
    pub fn parse(text: &str) -> Self {
        let groups = text.split(';').filter_map(|group| group.split_once('='));
        groups.fold(Self::default(), |groups, (name, members)| {
            members.split(',').fold(groups, |groups, member| groups.with(name, member))
        })
    }

    /// In the order in which they were named.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.0.iter()
    }

    /// The group that `member` is in.
    pub fn of(&self, member: &str) -> Option<&Group> {
        self.0.iter().find(|group| group.members.iter().any(|other| other == member))
    }

    /// With `member` under `name` and nowhere else; under a name without letters nowhere at all.
    pub fn with(self, name: &str, member: &str) -> Self {
        let mut groups = self.without(member);
        let name = plain(name);
        if name.is_empty() || member.is_empty() {
            return groups;
        }
        let member = member.to_owned();
        match groups.0.iter_mut().find(|group| group.name == name) {
            Some(group) => group.members.push(member),
            None => groups.0.push(Group { name, members: vec![member] }),
        }
        groups
    }

    /// With `member` under no name.
    pub fn without(mut self, member: &str) -> Self {
        self.0.iter_mut().for_each(|group| group.members.retain(|other| other != member));
        self.0.retain(|group| !group.members.is_empty());
        self
    }

    /// With all that is called `name` called `other`; a name without letters takes the group apart.
    pub fn renamed(self, name: &str, other: &str) -> Self {
        let members = self.0.iter().find(|group| group.name == name).map(|g| g.members.clone());
        let members = members.unwrap_or_default();
        members.iter().fold(self, |groups, member| groups.with(other, member))
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.0.iter().enumerate() {
            let between = if i == 0 { "" } else { ";" };
            write!(f, "{between}{}={}", group.name, group.members.join(","))?;
        }
        Ok(())
    }
}

/// A name without what separates names in an address.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|letter| !";=,".contains(*letter) && !letter.is_control());
    kept.take(LONGEST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_names_and_members() {
        let named = Groups::default().with("copies, the; name=", "L1H3:14-2").with("b", "mlp2:14");
        let named = named.with("copies the name", "L2H0:14-2");
        assert_eq!(named.to_string(), "copies the name=L1H3:14-2,L2H0:14-2;b=mlp2:14");
        assert_eq!(Groups::parse(&named.to_string()), named);
        assert_eq!(named.of("L2H0:14-2").map(|g| g.members.len()), Some(2));
        assert_eq!(named.of("L2H0:14-3"), None);
    }

    #[test]
    fn a_node_has_one_name_and_an_empty_group_is_gone() {
        let named = Groups::parse("a=x,y;b=z").with("b", "x");
        assert_eq!(named.to_string(), "a=y;b=z,x");
        assert_eq!(named.clone().without("y").to_string(), "b=z,x");
        assert_eq!(named.clone().renamed("b", "a").to_string(), "a=y,z,x");
        assert_eq!(named.renamed("b", "  ").to_string(), "a=y");
    }

    #[test]
    fn what_has_no_sense_names_nothing() {
        for text in ["", ";;", "=", "=x", "a=", "a", "=,=;", "\u{1}=x"] {
            assert_eq!(Groups::parse(text), Groups::default(), "{text}");
        }
        let long = Groups::parse(&format!("{}=x", "n".repeat(900)));
        assert_eq!(long.of("x").map(|g| g.name.len()), Some(LONGEST));
    }
}
