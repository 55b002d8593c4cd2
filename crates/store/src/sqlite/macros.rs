//! How the methods of the traits reach their module.

/// A read: acquires a reader, calls the module's function, tells the result.
macro_rules! read {
    ($self:ident, $module:ident :: $function:ident ( $($argument:expr),* )) => {{
        let mut reader = $self.reader().await?;
        $self.told($module::$function(&mut reader, $($argument),*).await)
    }};
}
/// A write, and one under a lease, whose arguments are moved to the writer.
macro_rules! write {
    ($self:ident, $module:ident :: $function:ident ( $($argument:expr),* )) => {
        $self.write(move |connection| Box::pin(async move {
            $module::$function(connection, $($argument),*).await
        })).await
    };
}

macro_rules! fenced {
    ($self:ident, $fence:ident, $module:ident :: $function:ident ( $($argument:expr),* )) => {
        $self.fenced($fence, move |mut held| Box::pin(async move {
            $module::$function(&mut held, $($argument),*).await
        })).await
    };
}

pub(super) use {fenced, read, write};
